namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>What a pickle says of a run of elements that stands outside it.</summary>
/// <param name="Type">Element type.</param>
/// <param name="Key">Names the run.</param>
/// <param name="Count">Number of elements.</param>
internal sealed record PickledStorage(TensorType Type, string Key, long Count);
