namespace DistillOnnx.Runtime.Golden;

/// <summary>A row of <c>golden.jsonl</c>: what the checkpoint answered when the bundle was made.</summary>
public sealed record GoldenRow
{
    /// <summary>The input text, without a task prefix.</summary>
    public required string Input { get; init; }

    /// <summary>The closed set of this row, for tasks whose rows bring one.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>The checkpoint's answer.</summary>
    public required string Label { get; init; }

    /// <summary>Calibrated probabilities of the label set or the choices, in their order; absent where the task is open.</summary>
    public IReadOnlyList<double>? Probabilities { get; init; }
}
