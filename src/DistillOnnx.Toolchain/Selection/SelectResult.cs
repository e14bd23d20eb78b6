using DistillOnnx.Data.Selection;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>What a selection came to.</summary>
public sealed record SelectResult
{
    /// <summary>The dataset directory.</summary>
    public required string Dataset { get; init; }

    /// <summary>Rows of the pool.</summary>
    public required long Rows { get; init; }

    /// <summary>Rows of the pool whose input came before.</summary>
    public required long Repeated { get; init; }

    /// <summary>Rows of the pool whose input is annotated already.</summary>
    public required long Annotated { get; init; }

    /// <summary>Rows taken.</summary>
    public required int Selected { get; init; }

    /// <summary>Why they were taken.</summary>
    public required SelectionRule By { get; init; }

    /// <summary>How uncertainty was measured; null where it was not.</summary>
    public UncertaintyMeasure? Measure { get; init; }

    /// <summary>Rows that coverage chose among; null where it did not.</summary>
    public int? Shortlist { get; init; }

    /// <summary>Annotated rows that coverage began from; null where it did not.</summary>
    public int? Centers { get; init; }

    /// <summary>
    /// What the student's log-probabilities were divided by; null where they were not read, 1 where they are not calibrated.
    /// </summary>
    public double? Temperature { get; init; }

    /// <summary>Mean uncertainty of the rows that could be taken; null where it was not measured.</summary>
    public double? PoolUncertainty { get; init; }

    /// <summary>Mean uncertainty of the rows that were taken; null where it was not measured.</summary>
    public double? SelectedUncertainty { get; init; }

    /// <summary>
    /// How often the student answers each label to the rows taken; null where it was not asked or the set is not one for all.
    /// </summary>
    public IReadOnlyDictionary<string, int>? Answers { get; init; }

    /// <summary>Time in seconds.</summary>
    public double Seconds { get; init; }
}
