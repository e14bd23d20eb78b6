using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>T5's layer norm: scaled by the root mean square, neither centred nor shifted (Zhang and Sennrich 2019).</summary>
/// <param name="t5">What all parts share.</param>
/// <param name="name">The name of the weight [d_model].</param>
/// <param name="isDecoder">Of which stack.</param>
internal sealed class T5LayerNorm(T5Context t5, string name, bool isDecoder)
{
    // Of a stream that is held smaller, squares are smaller by the square.
    private float Epsilon => MathF.ScaleB(t5.Config.LayerNormEpsilon, -2 * t5.ResidualExponent(isDecoder));

    /// <summary>[…, d_model] → the same.</summary>
    public Value Forward(Value x)
    {
        // Division by the root rather than multiplication by its reciprocal: the form that ONNX Runtime knows to fuse.
        var graph = t5.Graph;
        var square = graph.Node("Pow", [x, graph.Scalar(2f)]);
        var mean = graph.Reduce("ReduceMean", square);
        var root = graph.Node("Sqrt", [graph.Add(mean, graph.Scalar(Epsilon))]);
        return graph.Mul(graph.Div(x, root), Weight());
    }

    /// <summary>Adds a layer's result to the residual stream and norms the sum: [B, T, d_model] both.</summary>
    public (Value Sum, Value Normed) ForwardSum(Value x, Value delta, Dim length)
    {
        var graph = t5.Graph;
        if (t5.Form.Portable)
        {
            var sum = graph.Add(x, delta);
            return (sum, Forward(sum));
        }

        var values = graph.Nodes(
            "com.microsoft.SkipSimplifiedLayerNormalization", [x, delta, Weight()], 4, ("epsilon", Epsilon));
        graph.Discard(values[1]);
        graph.Discard(values[2]);
        foreach (var value in (Value[])[values[0], values[3]]) graph.Is(value, ElementType.Float, T5Model.Batch, length, t5.Config.DModel);
        return (values[3], values[0]);
    }

    private Value Weight() => t5.Weight(t5.Weights.Stored(name));
}
