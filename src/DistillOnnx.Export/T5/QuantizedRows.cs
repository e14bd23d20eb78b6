using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>
/// Activations in eight bits with a scale for each token, so that no row's answer depends on what else is in its run. Integer
/// products are exact; what a token's numbers were divided by can be put back after the product, or after a further one.
/// </summary>
/// <param name="Bytes">uint8 [B, T, in].</param>
/// <param name="ZeroPoint">What stands for 0: 128, or 0 where nothing is negative.</param>
/// <param name="Scale">What a step of <paramref name="Bytes"/> is worth, [B, T, 1].</param>
internal sealed record QuantizedRows(Value Bytes, byte ZeroPoint, Value Scale)
{
    /// <summary>Below this a row counts as zero: dividing by it must not overflow.</summary>
    private const float Least = 1e-30f;

    private const byte Middle = 128;

    /// <summary>Adds the nodes that quantise.</summary>
    /// <param name="t5">What all parts share.</param>
    /// <param name="x">Single precision, [B, T, in].</param>
    /// <param name="length">T.</param>
    /// <param name="inputs">Its last dimension.</param>
    /// <param name="rectify">Whether negative numbers become 0, as max(x, 0) would make them; then all eight bits serve the others.</param>
    public static QuantizedRows Of(T5Context t5, Value x, Dim length, int inputs, bool rectify)
    {
        var graph = t5.Graph;
        using var scope = graph.Scope("quantize");
        if (t5.Form.Functions)
        {
            var function = rectify ? RowFunctions.QuantizeRectifiedRows : RowFunctions.QuantizeRows;
            var values = graph.Call(function, [x], ("size", inputs));
            return Described(t5, values[0], values[1], length, inputs, rectify);
        }

        var scale = ScaleOf(graph, x, rectify);
        var (rows, scales) = (graph.Reshape(x, -1, inputs), graph.Reshape(scale, -1));
        Value[] operands = rectify ? [rows, scales] : [rows, scales, t5.Once(length, "zero_points", () => ZeroPoints(graph, scales))];
        var flat = graph.Node("QuantizeLinear", operands, ("axis", 0));
        var bytes = length.Size is { } size
            ? graph.Reshape(flat, -1, size, inputs)
            : graph.Reshape(flat, t5.Once(length, $"shape.{inputs}", () => graph.Node("Shape", [x])));
        return Described(t5, bytes, scale, length, inputs, rectify);
    }

    /// <summary>The same by the operator that takes a scale for each block along an axis: here a token's whole row.</summary>
    /// <param name="graph">Its operator set is 21 or later.</param>
    /// <param name="x">Single precision, [B, T, in].</param>
    /// <param name="inputs">Its last dimension: an attribute.</param>
    /// <param name="rectify">Whether negative numbers become 0.</param>
    public static QuantizedRows ByBlock(GraphBuilder graph, Value x, object inputs, bool rectify)
    {
        var scale = ScaleOf(graph, x, rectify);
        Value[] operands = rectify ? [x, scale] : [x, scale, ZeroPoints(graph, scale)];
        return new QuantizedRows(graph.Node("QuantizeLinear", operands, ("axis", -1), ("block_size", inputs)), ZeroOf(rectify), scale);
    }

    /// <summary>States types and shapes, which inference cannot know.</summary>
    public static QuantizedRows Described(T5Context t5, Value bytes, Value scale, Dim length, int inputs, bool rectify)
    {
        t5.Graph.Is(bytes, ElementType.UInt8, T5Model.Batch, length, inputs);
        if (t5.Form.Functions) t5.Graph.Is(scale, ElementType.Float, T5Model.Batch, length, 1);
        return new QuantizedRows(bytes, ZeroOf(rectify), scale);
    }

    private static Value ScaleOf(GraphBuilder graph, Value x, bool rectify)
    {
        var largest = graph.Reduce("ReduceMax", x);
        var least = graph.Scalar(Least);
        var most = graph.Node("Max", rectify ? [largest, least] : [largest, graph.Node("Neg", [graph.Reduce("ReduceMin", x)]), least]);
        return graph.Mul(most, graph.Scalar(1f / (rectify ? byte.MaxValue : sbyte.MaxValue)));
    }

    private static Value ZeroPoints(GraphBuilder graph, Value scales) =>
        graph.Node("Expand", [graph.Constant([Middle]), graph.Node("Shape", [scales])]);

    private static byte ZeroOf(bool rectify) => rectify ? (byte)0 : Middle;
}
