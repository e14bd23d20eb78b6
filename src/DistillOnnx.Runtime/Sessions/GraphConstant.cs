using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>A constant of a graph.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">Where its values begin in the file.</param>
/// <param name="Length">Their bytes.</param>
/// <param name="IsMultiplier">Whether it is a matrix that matrix products alone read, as their second operand.</param>
internal sealed record GraphConstant(string Name, TensorElementType Type, long[] Shape, int Offset, int Length, bool IsMultiplier);
