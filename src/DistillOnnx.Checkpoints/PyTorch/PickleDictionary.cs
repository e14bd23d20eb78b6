namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>A dictionary of a pickle as the list of what was put into it: nothing is hashed, so no choice of keys is slow.</summary>
internal sealed class PickleDictionary
{
    public List<KeyValuePair<object?, object?>> Items { get; } = [];
}
