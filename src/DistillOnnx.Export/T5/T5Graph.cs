using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// The parts that encoder, decoder and label model are made of: embedding, norm, linear layer, feed-forward layer and
/// relative position bias, each in a portable and a fused form.
/// </summary>
internal sealed partial class T5Graph(GraphBuilder graph, T5Weights weights, GraphForm form)
{
    /// <summary>The name of the first dimension of every input and output, which readers look for.</summary>
    public const string Batch = "batch_size";

    /// <summary>Added to the scores of positions that must not be seen: as far below any score as to make their share zero.</summary>
    private const float Hidden = -1e9f;

    private T5Config Config => weights.Config;

    private int Heads => Config.NumHeads;

    private int Inner => Config.InnerDim;

    /// <summary>x · rms(x)^−1 · scale over the last dimension, any shape that ends in d_model. No mean is taken off.</summary>
    private Value Norm(Value x, string scale)
    {
        // Division by the root rather than multiplication by its reciprocal: the form that ONNX Runtime knows to fuse.
        var square = graph.Node("Pow", [x, graph.Scalar(2f)]);
        var mean = graph.Node("ReduceMean", [square], ("axes", new[] { -1 }), ("keepdims", 1));
        var root = graph.Node("Sqrt", [graph.Add(mean, graph.Scalar(Config.LayerNormEpsilon))]);
        return graph.Mul(graph.Div(x, root), Weight(weights.Stored(scale)));
    }

    /// <summary>Adds a layer's result to the residual stream and norms the sum: [B, T, d_model] both.</summary>
    private (Value Sum, Value Normed) AddNorm(Value x, Value delta, string scale, Dim length)
    {
        if (form.Portable)
        {
            var sum = graph.Add(x, delta);
            return (sum, Norm(sum, scale));
        }

        var values = graph.Nodes(
            "com.microsoft.SkipSimplifiedLayerNormalization", [x, delta, Weight(weights.Stored(scale))], 4, ("epsilon", Config.LayerNormEpsilon));
        graph.Discard(values[1]);
        graph.Discard(values[2]);
        foreach (var value in (Value[])[values[0], values[3]]) graph.Is(value, ElementType.Float, Batch, length, Config.DModel);
        return (values[3], values[0]);
    }

    /// <summary>The feed-forward layer of a block: [B, T, d_model] to the same.</summary>
    private Value FeedForward(Value x, bool decoder, int block, Dim length)
    {
        WeightMatrix Matrix(string name) => weights.Projection(T5TensorNames.FeedForward(decoder, block, name));
        using var scope = graph.Scope("ff");
        var inner = Config.IsGated
            ? graph.Mul(Activate(Linear(x, Matrix("wi_0"), length), length), Linear(x, Matrix("wi_1"), length))
            : Activate(Linear(x, Matrix("wi"), length), length);
        return Linear(inner, Matrix("wo"), length, wide: true);
    }

    private Value Activate(Value x, Dim length)
    {
        if (Config.Activation == T5Activation.Relu) return graph.Node("Relu", [x]);
        if (!form.Portable)
        {
            // One pass over the widest tensor of the model instead of up to eight.
            var gelu = Config.Activation switch
            {
                T5Activation.Silu => graph.Node("com.microsoft.QuickGelu", [x], ("alpha", 1f)),
                T5Activation.Gelu => graph.Node("com.microsoft.Gelu", [x]),
                _ => graph.Node("com.microsoft.FastGelu", [x]),
            };
            return graph.Is(gelu, ElementType.Float, Batch, length, Config.DFf);
        }

        switch (Config.Activation)
        {
            case T5Activation.Silu:
                return graph.Mul(x, graph.Node("Sigmoid", [x]));
            case T5Activation.Gelu:
                var error = graph.Node("Erf", [graph.Div(x, graph.Scalar(MathF.Sqrt(2)))]);
                return graph.Mul(graph.Mul(x, graph.Add(error, graph.Scalar(1f))), graph.Scalar(0.5f));
            default:
                var cube = graph.Node("Pow", [x, graph.Scalar(3f)]);
                var inside = graph.Mul(graph.Add(x, graph.Mul(cube, graph.Scalar(0.044715f))), graph.Scalar(MathF.Sqrt(2 / MathF.PI)));
                return graph.Mul(graph.Mul(x, graph.Scalar(0.5f)), graph.Add(graph.Node("Tanh", [inside]), graph.Scalar(1f)));
        }
    }

    /// <summary>
    /// Relative position bias of consecutive positions, [1, H, Q, K]. A bias depends on the distance alone, so the table
    /// holds one row per distance, worked out from the buckets at export; the decoder's hides what lies ahead. Rows of all
    /// heads are looked up and turned afterwards: several times as fast as Q·K·H single values.
    /// </summary>
    /// <param name="decoder">Of the decoder or the encoder.</param>
    /// <param name="block">The block whose bias it is.</param>
    /// <param name="rows">The table's rows, from <see cref="DistanceRows"/>.</param>
    private Value PositionBias(bool decoder, int block, Value rows)
    {
        using var scope = graph.Scope("position_bias");
        var table = Weight(BiasByDistance(decoder, block, Ahead(decoder)));
        return graph.Unsqueeze(graph.Transpose(graph.Gather(table, rows), 2, 0, 1), 0);
    }

    /// <summary>The row of each distance [Q, K] in the tables of <see cref="BiasByDistance"/>.</summary>
    /// <param name="decoder">Of the decoder or the encoder.</param>
    /// <param name="firstQuery">Position of the first query, a scalar.</param>
    /// <param name="keys">Number of keys, a scalar; queries end where keys do.</param>
    private Value DistanceRows(bool decoder, Value firstQuery, Value keys)
    {
        using var scope = graph.Scope("position_bias");
        var queryPositions = graph.Unsqueeze(graph.Range(firstQuery, keys), 1);
        var keyPositions = graph.Range(graph.Scalar(0L), keys);
        var distances = graph.Sub(keyPositions, queryPositions);
        return RowsOf(distances, Ahead(decoder));
    }

    /// <summary>What is made of each block's relative position bias: once, where one serves the whole stack.</summary>
    private Func<int, T> ByBlock<T>(Func<int, T> bias)
    {
        if (Config.RelativeBiasPerBlock) return bias;
        var shared = bias(0);
        return _ => shared;
    }

    // The decoder hides all that lies ahead in the same way.
    private int Ahead(bool decoder) => decoder ? 1 : Config.RelativeAttentionMaxDistance;

    private Value RowsOf(Value distances, int ahead)
    {
        long farthest = Config.RelativeAttentionMaxDistance;
        return graph.Add(graph.Node("Clip", [distances, graph.Scalar(-farthest), graph.Scalar((long)ahead)]), graph.Scalar(farthest));
    }

    private WeightMatrix BiasByDistance(bool decoder, int block, int ahead)
    {
        var farthest = Config.RelativeAttentionMaxDistance;
        var name = T5TensorNames.RelativeBias(decoder, block);
        var rows = farthest + ahead + 1;
        return new WeightMatrix(name + ".by_distance", [rows, Heads], () =>
        {
            var bias = weights.Stored(name).Read();
            var table = new float[rows * Heads];
            for (var row = 0; row < rows; row++)
            {
                var distance = row - farthest;
                var bucket = RelativePosition.Bucket(distance, !decoder, Config.RelativeAttentionNumBuckets, Config.RelativeAttentionMaxDistance);
                for (var head = 0; head < Heads; head++)
                    table[(row * Heads) + head] = decoder && distance > 0 ? Hidden : bias[(bucket * Heads) + head];
            }

            return table;
        });
    }

    /// <summary>A padding mask of 0 and 1 [B, S] as what is added to scores: [B, 1, 1, S].</summary>
    private Value PaddingBias(Value mask) => graph.Unsqueeze(HiddenBy(mask), 1, 2);

    /// <summary>The same before it is spread: [B, S].</summary>
    private Value HiddenBy(Value mask) => graph.Mul(graph.Sub(graph.Scalar(1f), graph.Cast(mask, ElementType.Float)), graph.Scalar(Hidden));
}
