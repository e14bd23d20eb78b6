using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export.T5;

/// <summary>A value whose tokens may lack a factor, which what reads it puts back in passing.</summary>
/// <param name="Values">[B, T, n].</param>
/// <param name="Scale">The factor of each token, [B, T, 1]; <see cref="Value.None"/>: none is lacking.</param>
internal readonly record struct ScaledRows(Value Values, Value Scale)
{
    /// <summary>The value with its factors.</summary>
    public Value Multiplied(GraphBuilder graph) => Scale == Value.None ? Values : graph.Mul(Values, Scale);
}
