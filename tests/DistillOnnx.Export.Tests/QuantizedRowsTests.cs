using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;
using DistillOnnx.Core.T5;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.T5;
using DistillOnnx.Export.Weights;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Export.Tests;

/// <summary>Graphs whose activations are quantised token by token.</summary>
public sealed class QuantizedRowsTests
{
    /// <summary>Every way in which scales pass through a feed-forward layer: at once, with a gate, and behind another activation.</summary>
    [Theory]
    [InlineData(T5Activation.Relu, false, false)]
    [InlineData(T5Activation.Relu, true, false)]
    [InlineData(T5Activation.GeluNew, false, false)]
    [InlineData(T5Activation.GeluNew, true, false)]
    [InlineData(T5Activation.Relu, false, true)]
    [InlineData(T5Activation.Relu, true, true)]
    [InlineData(T5Activation.Silu, true, true)]
    public void Encoder_InEightBits_IsNearFullPrecision(T5Activation activation, bool gated, bool portable)
    {
        var config = RandomCheckpoint.Uneven with { Activation = activation, IsGated = gated };
        var root = Directory.CreateTempSubdirectory("distillonnx-rows-").FullName;
        try
        {
            var model = Path.Combine(root, "model");
            RandomCheckpoint.Write(model, config, task: null, seed: 5, TinyTokenizer.SpieceModel);
            var output = Path.Combine(root, "bundle");
            BundleExporter.Export(
                new BundleExportOptions
                {
                    Model = model,
                    Out = output,
                    Precision = ["fp32", "int8"],
                    Portable = portable,
                    Graphs = GraphSet.Seq2seq,
                },
                Reporter.None,
                TestContext.Current.CancellationToken);
            var batch = Batch.Random(3, config.VocabSize, 12, 5, 1);
            double[] Run(string precision)
            {
                using var encoder = OnnxGraph.Open(Path.Combine(output, BundleFiles.Graph(BundleFiles.Encoder, precision)));
                var states = encoder.Run(
                    ("input_ids", batch.Ids, batch.Shape), ("attention_mask", batch.Mask, batch.Shape))["last_hidden_state"];

                // What stands at padding is nobody's answer.
                return [.. states.Values.Select((v, i) => batch.Mask[i / config.DModel] * (double)v)];
            }

            var (full, small) = (Run("fp32"), Run("int8"));
            var error = Math.Sqrt(full.Zip(small, (f, s) => (f - s) * (f - s)).Sum() / full.Sum(f => f * f));
            Assert.InRange(error, 1e-6, 0.1);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>Only graphs that label have functions, of a later opset; attention hides what the mask hides, wherever it stands.</summary>
    [Fact]
    public void Labels_InEightBits_HideWhatTheMaskHides()
    {
        using var files = TinyCheckpoint.Create(TinyCheckpoint.Variants["v1.1"]);
        using var checkpoint = Checkpoint.Open(files.Directory);
        var weights = new T5Weights(checkpoint.Config, checkpoint.Tensors);
        var form = new GraphForm { Precision = GraphPrecision.Int8 };
        var plan = LabelPlan.Create(
            LabelTrie.Build([[10, 11, 1], [10, 12, 1], [9, 1]], ["a", "b", "c"]), weights.Config.DecoderStartTokenId);
        var graph = T5Graphs.Labels(weights, form, plan);
        Assert.Equal(weights.Config.NumLayers, graph.Graph.Node.Count(n => n.OpType == RowFunctions.AttendRows.Name));
        Assert.Equal((OnnxWriter.AttentionOpset, OnnxWriter.Opset), (graph.Opset, T5Graphs.Encoder(weights, form).Opset));
        Assert.Equal(OnnxWriter.Opset, T5Graphs.Labels(weights, form with { Portable = true }, plan).Opset);

        // A hidden token first, in the middle and last; what stands there must not matter.
        var shown = Batch.Random(3, weights.Config.VocabSize, 9);
        foreach (var hidden in (int[])[0, 4, 8]) shown.Mask[hidden] = 0;
        using var opened = OnnxGraph.Of(graph);
        using var portable = OnnxGraph.Of(T5Graphs.Labels(weights, form with { Portable = true }, plan));
        float[] Run(OnnxGraph of) =>
            of.Run(("input_ids", shown.Ids, shown.Shape), ("attention_mask", shown.Mask, shown.Shape))["label_log_probs"].Values;
        var expected = Run(portable);
        Assert.All(expected.Zip(Run(opened)), pair => Assert.Equal(pair.First, pair.Second, 0.02f));
        var before = Run(opened);
        foreach (var other in (int[])[0, 4, 8]) shown.Ids[other] = 7;
        Assert.All(before.Zip(Run(opened)), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }
}
