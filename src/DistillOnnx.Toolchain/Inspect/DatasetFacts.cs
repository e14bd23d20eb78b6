using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>What a dataset holds.</summary>
public sealed record DatasetFacts
{
    /// <summary>The task.</summary>
    public required TaskSpec Task { get; init; }

    /// <summary>The splits by name.</summary>
    public required IReadOnlyDictionary<string, SplitFacts> Splits { get; init; }

    /// <summary>Each pair of splits and the inputs that both have.</summary>
    public required IReadOnlyList<LeakFacts> Leaks { get; init; }
}
