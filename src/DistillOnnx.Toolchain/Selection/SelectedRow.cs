using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>A row that is taken, and why.</summary>
internal sealed record SelectedRow
{
    /// <summary>The row.</summary>
    public required Example Example { get; init; }

    /// <summary>How unsure the student is of it; null where that was not asked.</summary>
    public double? Uncertainty { get; init; }

    /// <summary>What the student answers; null where it was not asked or has open answers.</summary>
    public string? Answer { get; init; }

    /// <summary>The calibrated probability of that answer.</summary>
    public double? Probability { get; init; }

    /// <summary>
    /// Its distance from the nearest row taken before it, from 0 to 2; null where there was none or coverage did not decide.
    /// </summary>
    public double? Distance { get; init; }

    /// <summary>The id of that row; null where that is.</summary>
    public string? Nearest { get; init; }

    /// <summary>Rows of the shortlist that are nearest to this one, itself counted; null where coverage did not decide.</summary>
    public int? Covers { get; init; }
}
