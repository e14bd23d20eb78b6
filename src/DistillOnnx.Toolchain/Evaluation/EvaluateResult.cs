namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>What an evaluation found.</summary>
public sealed record EvaluateResult
{
    /// <summary>Rows measured on.</summary>
    public required int Rows { get; init; }

    /// <summary>Fraction of rows answered rightly by the task's metric.</summary>
    public required double Accuracy { get; init; }

    /// <summary>Mean of −ln of the gold label's probability, in nats; null where the task is open.</summary>
    public double? Loss { get; init; }

    /// <summary>Expected calibration error over 15 bins of equal width, a fraction of one; null where the task is open.</summary>
    public double? Ece { get; init; }

    /// <summary>Fraction of rows on which the model abstained; null where it never does.</summary>
    public double? Abstained { get; init; }

    /// <summary>Fraction of rows whose input was cut to the model's longest length.</summary>
    public required double Truncated { get; init; }

    /// <summary>Time for all answers, in seconds, loading not counted.</summary>
    public required double Seconds { get; init; }

    /// <summary>Accuracy over the rows of each gold label; null where the task is not of a closed set.</summary>
    public IReadOnlyDictionary<string, double>? LabelAccuracy { get; init; }
}
