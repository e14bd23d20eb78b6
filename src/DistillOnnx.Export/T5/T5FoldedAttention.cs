using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export.T5;

/// <summary>
/// Cross-attention that never projects keys and values over the encoder's S states. With few queries it is cheaper to carry the
/// query through W_k and the weighted sum through W_v, head by head, since (x W_q)(E W_k)ᵀ = ((x W_q) W_kᵀ) Eᵀ and
/// P (E W_v) = (P E) W_v.
/// </summary>
/// <param name="t5">What all parts share.</param>
/// <param name="attention">The cross-attention whose weights it uses.</param>
internal sealed class T5FoldedAttention(T5Context t5, T5Attention attention)
{
    private bool Halves => t5.Form.Precision == GraphPrecision.Fp16;

    /// <summary>The query of each head in terms of the encoder's states: x [B, P, d_model] → [B, heads·P, d_model].</summary>
    public Value Query(Value x, Dim length)
    {
        var (graph, config) = (t5.Graph, t5.Config);
        using var scope = graph.Scope("cross_attention");
        var q = Halves ? attention.Q.ForwardHalf(t5.Half(x), 0, length) : attention.Q.Forward(x, length);
        // One position has nothing to be transposed with.
        q = length == 1 ? graph.Reshape(q, 0, config.NumHeads, 1, config.DKv) : attention.Split(q);
        // Stored [heads·d_kv, d_model], which is W_kᵀ of one head after the other.
        var stored = attention.K.Weight.Transposed();
        var perHead = stored with { Name = stored.Name + ".heads", Dims = [config.NumHeads, config.DKv, config.DModel] };
        var query = graph.Reshape(HeadLinear(q, perHead), 0, -1, config.DModel);
        return Halves ? graph.Cast(query, ElementType.Float) : query;
    }

    /// <summary>Attends with folded queries.</summary>
    /// <param name="query">What <see cref="Query"/> gave: [B, heads·P, d_model].</param>
    /// <param name="states">The encoder's states: [B, S, d_model].</param>
    /// <param name="bias">Mask of the encoder's positions: [B, 1, S].</param>
    /// <param name="length">P.</param>
    /// <param name="queries">heads·P.</param>
    /// <param name="statesLength">S.</param>
    /// <returns>[B, P, d_model].</returns>
    public Value Forward(Value query, Value states, Value bias, Dim length, Dim queries, Dim statesLength)
    {
        var (graph, config) = (t5.Graph, t5.Config);
        using var scope = graph.Scope("cross_attention");
        var product = t5.Form.Portable
            ? graph.MatMul(query, graph.Transpose(states, 0, 2, 1))
            : graph.Node("com.microsoft.FusedMatMul", [query, states], ("transB", 1));
        var scores = graph.Is(product, ElementType.Float, T5Model.Batch, queries, statesLength);
        var shares = graph.Softmax(graph.Add(scores, bias));
        var seen = graph.Reshape(graph.MatMul(shares, states), 0, config.NumHeads, -1, config.DModel);
        var stored = attention.V.Weight.Transposed();
        var perHead = new WeightMatrix(stored.Name + ".heads", [config.NumHeads, config.DModel, config.DKv], () =>
        {
            var values = stored.Read();
            var size = config.DKv * config.DModel;
            for (var head = 0; head < config.NumHeads; head++)
                Matrices.Transpose(values[(head * size)..((head + 1) * size)], config.DKv, config.DModel).CopyTo(values, head * size);
            return values;
        });
        var mixed = HeadLinear(Halves ? t5.Half(seen) : seen, perHead);
        mixed = length == 1 ? graph.Reshape(mixed, 0, 1, config.InnerDim) : attention.Join(mixed);
        return Halves ? graph.Cast(attention.O.ForwardHalf(mixed, 0, length), ElementType.Float) : attention.O.Forward(mixed, length);
    }

    /// <summary>
    /// A product per head, [B, H, P, k] by [H, k, n]: small, and so in full precision where that is not about size alone. In half precision
    /// both what comes in and what goes out are.
    /// </summary>
    private Value HeadLinear(Value x, WeightMatrix perHead) =>
        t5.Graph.MatMul(x, Halves ? t5.HalfWeight(perHead) : t5.Weight(perHead));
}
