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

        var result = AddAndNorm(graph, x, delta, Weight(), Epsilon);
        foreach (var value in (Value[])[result.Normed, result.Sum])
            graph.Is(value, ElementType.Float, T5Model.Batch, length, t5.Config.DModel);
        return result;
    }

    /// <summary>The same of a result that may lack its tokens' scales.</summary>
    /// <param name="x">The residual stream, [B, T, d_model].</param>
    /// <param name="delta">The layer's result.</param>
    /// <param name="length">T.</param>
    /// <param name="onlyMultiplied">Whether the norm is read by matrix products alone: it may then be quantised at once.</param>
    public (Value Sum, Value Normed) ForwardSum(Value x, ScaledRows delta, Dim length, bool onlyMultiplied)
    {
        if (!onlyMultiplied || delta.Scale == Value.None) return ForwardSum(x, delta.Multiplied(t5.Graph), length);
        var (graph, width) = (t5.Graph, t5.Config.DModel);
        var values = graph.Call(
            RowFunctions.AddNormQuantize, [x, delta.Values, delta.Scale, Weight()], ("size", width), ("epsilon", Epsilon));
        graph.Is(values[0], ElementType.Float, T5Model.Batch, length, width);
        return (values[0], t5.KnownQuantized(QuantizedRows.Described(t5, values[1], values[2], length, width, rectify: false)));
    }

    /// <summary>ONNX Runtime's operator for the sum of two and its norm.</summary>
    public static (Value Sum, Value Normed) AddAndNorm(GraphBuilder graph, Value x, Value delta, Value weight, object epsilon)
    {
        var values = graph.Nodes("com.microsoft.SkipSimplifiedLayerNormalization", [x, delta, weight], 4, ("epsilon", epsilon));
        graph.Discard(values[1]);
        graph.Discard(values[2]);
        return (values[3], values[0]);
    }

    private Value Weight() => t5.Weight(t5.Weights.Stored(name));
}
