using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>What an evaluation found.</summary>
public sealed record EvaluateResult
{
    /// <summary>Rows measured on.</summary>
    public required int Rows { get; init; }

    /// <summary>Fraction of rows answered rightly by the task's metric.</summary>
    public required double Accuracy { get; init; }

    /// <summary>95 % confidence interval of the accuracy.</summary>
    public ConfidenceInterval? AccuracyInterval { get; init; }

    /// <summary>Mean F1 of the labels that occur, as gold or as an answer; null where the task is not of one closed set.</summary>
    public double? MacroF1 { get; init; }

    /// <summary>95 % confidence interval of <see cref="MacroF1"/>; null where that is.</summary>
    public ConfidenceInterval? MacroF1Interval { get; init; }

    /// <summary>Mean F1 weighted by gold rows; null where the task is not of one closed set.</summary>
    public double? WeightedF1 { get; init; }

    /// <summary>Mean of −ln of the gold label's probability, in nats; null where the task is open.</summary>
    public double? Loss { get; init; }

    /// <summary>Expected calibration error over 15 bins of equal width, a fraction of one; null where the task is open.</summary>
    public double? Ece { get; init; }

    /// <summary>The 15 bins of <see cref="Ece"/>; null where the task is open.</summary>
    public IReadOnlyList<ReliabilityBin>? Reliability { get; init; }

    /// <summary>What abstaining below a probability would cost and gain; null where the task is open.</summary>
    public IReadOnlyList<RiskCoverage>? RiskCoverage { get; init; }

    /// <summary>Fraction of rows on which the model abstained; null where it never does.</summary>
    public double? Abstained { get; init; }

    /// <summary>Fraction of rows whose input was cut to the model's longest length.</summary>
    public required double Truncated { get; init; }

    /// <summary>Time for all answers, in seconds, loading not counted.</summary>
    public required double Seconds { get; init; }

    /// <summary>Accuracy over the rows of each gold label; null where the task is not of a closed set.</summary>
    public IReadOnlyDictionary<string, double>? LabelAccuracy { get; init; }

    /// <summary>Precision, recall, F1 and support of each label; null where the task is not of one closed set.</summary>
    public IReadOnlyDictionary<string, ClassFigures>? Classes { get; init; }

    /// <summary>Counts, a row for each gold label and a column for each answer, in the task's order; null without one closed set.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Confusion { get; init; }

    /// <summary>For each gold label, the answers that are none of the labels and so in no column; null where there are none.</summary>
    public IReadOnlyList<int>? ConfusionUnlisted { get; init; }

    /// <summary>Up to ten wrong answers, the most confident first; null where answers have no probability.</summary>
    public IReadOnlyList<EvaluationError>? Errors { get; init; }

    /// <summary>How the student's rationales compare with those of the rows; null where none were asked for.</summary>
    public RationaleFigures? Rationales { get; init; }

    /// <summary>How the model of <see cref="EvaluateOptions.Against"/> does on the same rows; null without one.</summary>
    public AgainstResult? Against { get; init; }
}
