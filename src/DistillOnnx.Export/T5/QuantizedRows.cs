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

    /// <summary>The operator set from which QuantizeLinear takes a scale for each block along an axis: here a token's whole row.</summary>
    private const int BlockedOpset = 21;

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
        var largest = graph.Reduce("ReduceMax", x);
        var least = graph.Scalar(Least);
        var most = graph.Node("Max", rectify ? [largest, least] : [largest, graph.Node("Neg", [graph.Reduce("ReduceMin", x)]), least]);
        var scale = graph.Mul(most, graph.Scalar(1f / (rectify ? byte.MaxValue : sbyte.MaxValue)));
        var bytes = graph.Opset < BlockedOpset ? ByTokens(t5, x, scale, length, inputs, rectify)
            : graph.Node("QuantizeLinear", WithZeroPoints(t5, x, scale, length, rectify), ("axis", -1), ("block_size", inputs));
        return new QuantizedRows(
            graph.Is(bytes, ElementType.UInt8, T5Model.Batch, length, inputs), rectify ? (byte)0 : Middle, scale);
    }

    /// <summary>The same where scales along one axis are all that the operator takes: with all tokens as one dimension.</summary>
    private static Value ByTokens(T5Context t5, Value x, Value scale, Dim length, int inputs, bool rectify)
    {
        var graph = t5.Graph;
        var (rows, scales) = (graph.Reshape(x, -1, inputs), graph.Reshape(scale, -1));
        var bytes = graph.Node("QuantizeLinear", WithZeroPoints(t5, rows, scales, length, rectify), ("axis", 0));
        return length.Size is { } size
            ? graph.Reshape(bytes, -1, size, inputs)
            : graph.Reshape(bytes, t5.Once(length, $"shape.{inputs}", () => graph.Node("Shape", [x])));
    }

    private static Value[] WithZeroPoints(T5Context t5, Value x, Value scales, Dim length, bool rectify) => rectify
        ? [x, scales]
        : [x, scales, t5.Once(length, "zero_points", () =>
            t5.Graph.Node("Expand", [t5.Graph.Constant([Middle]), t5.Graph.Node("Shape", [scales])]))];
}
