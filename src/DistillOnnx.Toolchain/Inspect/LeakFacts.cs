namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Inputs that two splits have in common.</summary>
public sealed record LeakFacts
{
    /// <summary>The splits, as <c>train, test</c>.</summary>
    public required string Splits { get; init; }

    /// <summary>Different inputs that both have.</summary>
    public required long Inputs { get; init; }

    /// <summary>Rows of the second split that have such an input.</summary>
    public required long Rows { get; init; }

    /// <summary>Inputs among them whose first gold labels differ.</summary>
    public required long DifferentLabels { get; init; }

    /// <summary>The first of them.</summary>
    public required IReadOnlyList<RepeatedInput> Examples { get; init; }
}
