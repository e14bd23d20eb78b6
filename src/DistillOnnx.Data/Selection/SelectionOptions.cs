using DistillOnnx.Stages.Options;

namespace DistillOnnx.Data.Selection;

/// <summary>How rows of a pool are chosen; the stages that choose take it over whole.</summary>
public sealed record SelectionOptions
{
    /// <summary>Rows of the shortlist for every row that is wanted, where <see cref="Shortlist"/> is left out.</summary>
    public const int ShortlistFactor = 10;

    /// <summary>Fewest rows of the shortlist, where <see cref="Shortlist"/> is left out.</summary>
    public const int LeastShortlist = 1000;

    /// <summary>Why rows are taken.</summary>
    [Option(
        "why rows are taken: uncertainty (the student is least sure), coverage (farthest from all that is taken, by its encoder), both, or "
        + "random")]
    public SelectionRule By { get; init; } = SelectionRule.Both;

    /// <summary>How unsure a student is.</summary>
    [Option("uncertainty by margin (of the two best labels), entropy or change (expected gradient)")]
    public UncertaintyMeasure Measure { get; init; } = UncertaintyMeasure.Margin;

    /// <summary>Rows that coverage chooses among; null: by the number of rows that are wanted.</summary>
    [Option(
        "rows that coverage and both choose among: drawn by the seed, or the most uncertain ones (default: ten times the rows "
        + "asked for, at least 1000)",
        Value = "ROWS")]
    public int? Shortlist { get; init; }

    /// <summary>Whether a model's probabilities decide.</summary>
    public bool ReadsProbabilities => By is SelectionRule.Uncertainty or SelectionRule.Both;

    /// <summary>Whether a model's encoder decides.</summary>
    public bool ReadsStates => By is SelectionRule.Coverage or SelectionRule.Both;

    /// <summary>Rows of the shortlist.</summary>
    /// <param name="count">Rows that are wanted.</param>
    public int ShortlistOf(int count) =>
        Shortlist ?? (int)Math.Min(int.MaxValue, Math.Max(LeastShortlist, (long)ShortlistFactor * count));

    /// <summary>All faults, empty where there are none.</summary>
    /// <param name="count">Rows that are wanted.</param>
    public IReadOnlyList<string> Validate(int count)
    {
        var faults = new List<string>();
        if (!ReadsProbabilities && Measure != UncertaintyMeasure.Margin) faults.Add("--measure goes with --by uncertainty or both");
        if (Shortlist is not { } rows) return faults;
        if (!ReadsStates) faults.Add("--shortlist goes with --by coverage or both");
        if (rows < count) faults.Add($"--shortlist: expected at least the {count} rows that are to be taken, found {rows}");
        return faults;
    }
}
