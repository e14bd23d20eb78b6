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
        Value Extreme(string op) => graph.Node(op, [x], ("axes", new[] { -1 }), ("keepdims", 1));
        var most = rectify
            ? graph.Node("Max", [Extreme("ReduceMax"), graph.Scalar(Least)])
            : graph.Node("Max", [Extreme("ReduceMax"), graph.Node("Neg", [Extreme("ReduceMin")]), graph.Scalar(Least)]);
        var scale = graph.Mul(most, graph.Scalar(1f / (rectify ? byte.MaxValue : sbyte.MaxValue)));

        // Scales along an axis are those of one axis alone: all tokens as one dimension.
        var (rows, scales) = (graph.Reshape(x, -1, inputs), graph.Reshape(scale, -1));
        Value[] operands = rectify
            ? [rows, scales]
            : [rows, scales, t5.Once(length, "zero_points", () =>
                graph.Node("Expand", [graph.Constant([Middle]), graph.Node("Shape", [scales])]))];
        var bytes = graph.Node("QuantizeLinear", operands, ("axis", 0));
        bytes = length.Size is { } size
            ? graph.Reshape(bytes, -1, size, inputs)
            : graph.Reshape(bytes, t5.Once(length, $"shape.{inputs}", () => graph.Node("Shape", [x])));
        return new QuantizedRows(
            graph.Is(bytes, ElementType.UInt8, T5Model.Batch, length, inputs), rectify ? (byte)0 : Middle, scale);
    }
}
