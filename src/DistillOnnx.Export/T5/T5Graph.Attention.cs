using DistillOnnx.Checkpoints;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>Attention as T5 has it: scores are not scaled, biases are added, nothing has an offset.</summary>
internal sealed partial class T5Graph
{
    /// <summary>The encoder's self-attention: x [B, S, d_model] to the same. In the portable form the bias hides padding, too.</summary>
    private Value SelfAttention(Value x, int block, Value bias, Value paddingMask, Dim length)
    {
        WeightMatrix Matrix(string name) => weights.Projection(T5TensorNames.SelfAttention(false, block, name));
        using var scope = graph.Scope("attention");
        var q = Linear(x, Matrix("q"), length);
        var k = Linear(x, Matrix("k"), length);
        var v = Linear(x, Matrix("v"), length);
        var mixed = form.Portable
            ? JoinHeads(Attend(SplitHeads(q), SplitHeads(k), SplitHeads(v), bias))
            : graph.Is(
                graph.Node(
                    "com.microsoft.MultiHeadAttention", [q, k, v, Value.None, paddingMask, bias],
                    ("num_heads", Heads), ("scale", 1f), ("mask_filter_value", Hidden)),
                ElementType.Float, Batch, length, Inner);
        return Linear(mixed, Matrix("o"), length);
    }

    /// <summary>softmax(q·kᵀ + bias)·v for q [B, H, Q, d_kv], k and v [B, H, K, d_kv]; bias broadcasts to [B, H, Q, K].</summary>
    private Value Attend(Value q, Value k, Value v, Value bias)
    {
        var scores = graph.MatMul(q, graph.Transpose(k, 0, 1, 3, 2));
        return graph.MatMul(graph.Softmax(graph.Add(scores, bias)), v);
    }

    /// <summary>[B, T, H·d_kv] to [B, H, T, d_kv].</summary>
    private Value SplitHeads(Value x) => graph.Transpose(graph.Reshape(x, 0, 0, Heads, Config.DKv), 0, 2, 1, 3);

    /// <summary>[B, H, T, d_kv] to [B, T, H·d_kv].</summary>
    private Value JoinHeads(Value x) => graph.Reshape(graph.Transpose(x, 0, 2, 1, 3), 0, 0, Inner);
}
