namespace DistillOnnx.Toolchain.Inspect;

/// <summary>A checkpoint's tensors of one element type.</summary>
/// <param name="Tensors">How many.</param>
/// <param name="Elements">Their elements.</param>
/// <param name="Bytes">Their bytes.</param>
public sealed record TensorFacts(int Tensors, long Elements, long Bytes);
