using DistillOnnx.Core.Bundles;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Onnx.Proto;
using static DistillOnnx.Export.Onnx.Proto.AttributeProto.Types;

namespace DistillOnnx.Export.T5;

/// <summary>
/// What happens between the integer products of a graph in eight bits, as functions. This project's runtime has kernels that do each in one
/// pass; any other runs the operators by which they are defined here.
/// </summary>
internal static class RowFunctions
{
    private static readonly AttributeReference Size = new("size", AttributeType.Int);

    /// <summary>x [B, T, size] → uint8 [B, T, size] around 128, and each token's scale [B, T, 1].</summary>
    public static readonly FunctionProto QuantizeRows = GraphBuilder.Function(
        GraphFunctions.Domain, GraphFunctions.QuantizeRows, ["x"], ["size"], (graph, inputs) =>
        {
            var rows = QuantizedRows.ByBlock(graph, inputs[0], Size, rectify: false);
            return [rows.Bytes, rows.Scale];
        });

    /// <summary>The same of max(x, 0), around 0.</summary>
    public static readonly FunctionProto QuantizeRectifiedRows = GraphBuilder.Function(
        GraphFunctions.Domain, GraphFunctions.QuantizeRectifiedRows, ["x"], ["size"], (graph, inputs) =>
        {
            var rows = QuantizedRows.ByBlock(graph, inputs[0], Size, rectify: true);
            return [rows.Bytes, rows.Scale];
        });

    /// <summary>
    /// The middle of a gated layer: gate [B, T, size] that lacks its tokens' scales [B, T, 1], and linear [B, T, size] → what
    /// <see cref="QuantizeRows"/> makes of GELU(gate·scale)·linear.
    /// </summary>
    public static readonly FunctionProto QuantizeGatedGeluRows = GraphBuilder.Function(
        GraphFunctions.Domain, GraphFunctions.QuantizeGatedGeluRows, ["gate", "linear", "scale"], ["size"], (graph, inputs) =>
        {
            var gate = graph.Node("com.microsoft.FastGelu", [graph.Mul(inputs[0], inputs[2])]);
            var rows = QuantizedRows.ByBlock(graph, graph.Mul(gate, inputs[1]), Size, rectify: false);
            return [rows.Bytes, rows.Scale];
        });

    /// <summary>
    /// x + delta·delta_scale, and its norm as <see cref="QuantizeRows"/> has it: x, delta [B, T, size], delta_scale [B, T, 1], weight
    /// [size] → the sum [B, T, size], uint8 [B, T, size], [B, T, 1].
    /// </summary>
    public static readonly FunctionProto AddNormQuantize = GraphBuilder.Function(
        GraphFunctions.Domain, GraphFunctions.AddNormQuantize, ["x", "delta", "delta_scale", "weight"], ["size", "epsilon"],
        (graph, inputs) =>
        {
            var (sum, normed) = T5LayerNorm.AddAndNorm(
                graph, inputs[0], graph.Mul(inputs[1], inputs[2]), inputs[3], new AttributeReference("epsilon", AttributeType.Float));
            var rows = QuantizedRows.ByBlock(graph, normed, Size, rectify: false);
            return [sum, rows.Bytes, rows.Scale];
        });

    /// <summary>
    /// Self-attention of queries, keys and values [B, S, heads·d] that still lack their token's scale [B, S, 1], with a position bias
    /// [1, heads, S, S] and a mask int64 [B, S], 1 for a token and 0 for padding, whose own results nobody may read.
    /// </summary>
    public static readonly FunctionProto AttendRows = GraphBuilder.Function(
        GraphFunctions.Domain, GraphFunctions.AttendRows, ["q", "k", "v", "scale", "bias", "mask"], ["heads"], (graph, inputs) =>
        {
            var heads = new AttributeReference("heads", AttributeType.Int);
            Value Scaled(int input) => graph.Mul(inputs[input], inputs[3]);
            var bias = graph.Add(inputs[4], T5Model.MaskBias(graph, inputs[5], 1, 2));
            Value[] operands = [Scaled(0), Scaled(1), Scaled(2), bias];
            return [graph.Node("Attention", operands, ("q_num_heads", heads), ("kv_num_heads", heads), ("scale", 1f))];
        });
}
