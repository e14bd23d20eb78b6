using DistillOnnx.Data.Metrics;
using DistillOnnx.Data.Selection;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>What a round came to; 0 is what served before the first.</summary>
public sealed record RoundReport
{
    /// <summary>The round, from 1; 0: the start.</summary>
    public required int Round { get; init; }

    /// <summary>Why its rows were taken.</summary>
    public SelectionRule? By { get; init; }

    /// <summary>Collected inputs that it added to the pool, and to the annotated rows where a teacher had answered them.</summary>
    public int? Collected { get; init; }

    /// <summary>Rows that it took.</summary>
    public int? Selected { get; init; }

    /// <summary>Of these, rows that the teacher was asked about: all but those that the budget held back.</summary>
    public long? Asked { get; init; }

    /// <summary>Of these, rows that the teacher gave a usable answer to.</summary>
    public long? Kept { get; init; }

    /// <summary>
    /// Rows that its student learnt from: all that were annotated so far; null where the round gave nothing new to learn, and so has no
    /// student.
    /// </summary>
    public int? TrainRows { get; init; }

    /// <summary>Answers of the teacher so far.</summary>
    public required long Calls { get; init; }

    /// <summary>Their price so far in US dollars; null where it is not known.</summary>
    public double? Cost { get; init; }

    /// <summary>The step of its training whose weights were kept.</summary>
    public int? BestStep { get; init; }

    /// <summary>Share of the measured rows that its student answers rightly; null where the round has none.</summary>
    public double? Accuracy { get; init; }

    /// <summary>95 % confidence interval of that.</summary>
    public ConfidenceInterval? AccuracyInterval { get; init; }

    /// <summary>The accuracy of what serves after the round; null where nothing does.</summary>
    public double? ServingAccuracy { get; init; }

    /// <summary>Whether its student was let in, and why.</summary>
    public GateResult? Gate { get; init; }

    /// <summary>Where its bundle was put to be served; null where it was refused.</summary>
    public string? Served { get; init; }

    /// <summary>Whether the budget held rows back.</summary>
    public bool BudgetSpent { get; init; }
}
