using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Labels;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.T5;
using DistillOnnx.Export.Weights;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Export.Tests;

/// <summary>
/// Graphs in half precision: what they hold in it stays within its range, and their answers near those of single precision.
/// </summary>
public sealed class HalfPrecisionTests
{
    private static readonly GraphForm Half = new() { Precision = GraphPrecision.Fp16 };

    /// <summary>With their weights enlarged, layers of these models give values of some millions.</summary>
    public static TheoryData<string, float> Models() => new()
    {
        { "v1.0", 1 }, { "v1.0", 3000 }, { "v1.1", 300 }, { "umt5", 300 }, { "gated-silu", 300 }, { "gelu", 300 }, { "few-buckets", 1 },
    };

    [Theory, MemberData(nameof(Models))]
    public void Encoder_ValuesBeyondHalf_AreHeldWithinIt(string variant, float enlarged)
    {
        using var model = new Model(variant, enlarged);
        var batch = Batch.Random(7, model.Weights.Config.VocabSize, 19, 4, 11);
        var graph = T5Graphs.Encoder(model.Weights, Half);
        var halves = graph.Graph.Node.Where(n => n.OpType is "FusedMatMul" or "MultiHeadAttention" or "Relu" or "FastGelu"
            || (n.OpType is "MatMul" && n.Input[1].EndsWith(".fp16", StringComparison.Ordinal))).Select(n => n.Output[0]).ToArray();
        var layers = 2 * model.Weights.Config.NumLayers;
        Assert.InRange(halves.Length, 3 * layers, 5 * layers);
        for (var i = 0; i < halves.Length; i++)
            graph.Output(new Value(halves[i]), $"half.{i}", ElementType.Float16, T5Model.Batch, T5Model.EncoderLength, $"width.{i}");

        var found = Run(graph, batch);
        for (var i = 0; i < halves.Length; i++)
        {
            Assert.All(found[$"half.{i}"].Values, v => Assert.True(float.IsFinite(v), halves[i]));
            Assert.True(found[$"half.{i}"].Values.Max(Math.Abs) > 1e-3, halves[i]);
        }

        var expected = Run(T5Graphs.Encoder(model.Weights, new GraphForm()), batch)["last_hidden_state"].Values;
        var scale = expected.Max(Math.Abs);
        var worst = expected.Zip(found["last_hidden_state"].Values, (e, a) => Math.Abs(e - a)).Max();
        Assert.True(worst <= 0.03 * scale, $"differs by {worst / scale:g3} of the largest value");
        Assert.Equal(enlarged > 1, model.Weights.Half.EncoderResidual > 0);
    }

    [Theory, MemberData(nameof(Models))]
    public void Labels_ValuesBeyondHalf_AreThoseOfSinglePrecision(string variant, float enlarged)
    {
        using var model = new Model(variant, enlarged);
        var batch = Batch.Random(8, model.Weights.Config.VocabSize, 12, 5);
        int[][] labels = [[10, 11, 1], [10, 12, 1], [9, 1]];
        var plan = LabelPlan.Create(LabelTrie.Build(labels, ["a", "b", "c"]), model.Weights.Config.DecoderStartTokenId);
        var expected = Run(T5Graphs.Labels(model.Weights, new GraphForm(), plan), batch)["label_log_probs"].Values;
        var found = Run(T5Graphs.Labels(model.Weights, Half, plan), batch)["label_log_probs"].Values;
        var worst = expected.Zip(found, (e, a) => Math.Abs(Math.Exp(e) - Math.Exp(a))).Max();
        Assert.True(worst is > 0 and < 0.06, $"probabilities differ by {worst:g3}");
    }

    [Fact]
    public void Encoder_HalfPrecision_IsCastOnlyAroundTheResidualStream()
    {
        using var model = new Model("v1.0", 1);
        var graph = T5Graphs.Encoder(model.Weights, Half);
        // Mask, embeddings and position bias; of each layer what it reads and what it gives.
        Assert.Equal(3 + (4 * model.Weights.Config.NumLayers), graph.Graph.Node.Count(n => n.OpType == "Cast"));
    }

    [Theory]
    [InlineData("v1.0")]
    [InlineData("v1.1")]
    [InlineData("gelu")]
    public void FeedForward_AnyDirection_StaysWithinItsBounds(string variant)
    {
        using var model = new Model(variant, 1);
        var (weights, config) = (model.Weights, model.Weights.Config);
        var range = weights.Half.FeedForward(false, 0);
        string Name(string name) => T5TensorNames.FeedForward(false, 0, name);
        var gains = weights.Stored(T5TensorNames.Norm(false, 0, 1)).Read();
        var (wi, wo) = (weights.Stored(Name(config.IsGated ? "wi_0" : "wi")), weights.Stored(Name("wo")));
        var (inner, outer) = (wi.Read(), wo.Read());
        var linear = config.IsGated ? weights.Stored(Name("wi_1")).Read() : null;
        var largest = 0.0;
        for (var row = 0; row < wi.Rows; row++)
        {
            // The direction in which this row gives the most.
            var x = Enumerable.Range(0, config.DModel).Select(i => inner[(row * config.DModel) + i] * gains[i]).ToArray();
            var length = Math.Sqrt(x.Sum(v => (double)v * v) / config.DModel);
            double Product(float[] matrix, int of) =>
                Enumerable.Range(0, config.DModel).Sum(i => matrix[(of * config.DModel) + i] * gains[i] * x[i] / length);
            var values = Enumerable.Range(0, wi.Rows)
                .Select(j => Math.Max(0, Product(inner, j)) * (linear is null ? 1 : Math.Abs(Product(linear, j)))).ToArray();
            for (var i = 0; i < wo.Rows; i++)
                largest = Math.Max(largest, Math.Abs(values.Select((v, j) => v * outer[(i * wi.Rows) + j]).Sum()));
        }

        Assert.InRange(largest, range.Output / 100, range.Output);
        Assert.Equal(0, range.Inner);
    }

    private static Dictionary<string, OnnxGraph.Tensor> Run(GraphBuilder graph, Batch batch)
    {
        using var opened = OnnxGraph.Of(graph);
        return opened.Run(("input_ids", batch.Ids, batch.Shape), ("attention_mask", batch.Mask, batch.Shape));
    }

    /// <summary>A tiny model whose layers' last matrices are enlarged.</summary>
    private sealed class Model : IDisposable
    {
        private readonly TinyCheckpoint _files;
        private readonly Checkpoint _checkpoint;

        public Model(string variant, float enlarged)
        {
            _files = TinyCheckpoint.Create(TinyCheckpoint.Variants[variant]);
            _checkpoint = Checkpoint.Open(_files.Directory);
            Weights = new T5Weights(_checkpoint.Config, new Enlarged(_checkpoint.Tensors, enlarged));
        }

        public T5Weights Weights { get; }

        public void Dispose()
        {
            _checkpoint.Dispose();
            _files.Dispose();
        }
    }

    private sealed class Enlarged(ITensorSource source, float factor) : ITensorSource
    {
        public IReadOnlyDictionary<string, TensorInfo> Tensors => source.Tensors;

        public void ReadFloat32(string name, Span<float> destination, long offset = 0)
        {
            source.ReadFloat32(name, destination, offset);
            if (!name.Contains(".wo.", StringComparison.Ordinal) && !name.Contains(".wi", StringComparison.Ordinal)) return;
            foreach (ref var value in destination) value *= factor;
        }

        public void ReadBytes(string name, Span<byte> destination, long offset = 0) => throw new NotSupportedException();

        public bool TryGetBytes(string name, out ReadOnlySpan<byte> bytes)
        {
            bytes = [];
            return false;
        }

        public void Dispose() => source.Dispose();
    }
}
