using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>How another model does on the same rows.</summary>
public sealed record AgainstResult
{
    /// <summary>The other model's accuracy.</summary>
    public required double Accuracy { get; init; }

    /// <summary>This model's accuracy less the other's.</summary>
    public required double Difference { get; init; }

    /// <summary>95 % confidence interval of <see cref="Difference"/>, by the paired bootstrap: rows are drawn with both answers.</summary>
    public required ConfidenceInterval DifferenceInterval { get; init; }

    /// <summary>Two-sided p-value of McNemar's exact test: how likely so uneven a split is where both are equally good.</summary>
    public required double McnemarP { get; init; }

    /// <summary>Rows that only this model has right.</summary>
    public required int OnlyThisRight { get; init; }

    /// <summary>Rows that only the other model has right.</summary>
    public required int OnlyOtherRight { get; init; }

    /// <summary>Compares two models' answers to the same rows, in the same order.</summary>
    /// <param name="mine">Whether this model has each row right; at least one row.</param>
    /// <param name="others">Whether the other one has.</param>
    internal static AgainstResult Of(IReadOnlyList<bool> mine, IReadOnlyList<bool> others)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(others.Count, mine.Count);
        var pairs = mine.Zip(others).ToList();
        var (onlyThis, onlyOther) = (pairs.Count(p => p is (true, false)), pairs.Count(p => p is (false, true)));
        return new AgainstResult
        {
            Accuracy = (double)others.Count(right => right) / others.Count,
            Difference = (double)(onlyThis - onlyOther) / mine.Count,
            DifferenceInterval = Bootstrap.Of(
                [onlyThis, onlyOther, mine.Count - onlyThis - onlyOther], drawn => (double)(drawn[0] - drawn[1]) / mine.Count),
            McnemarP = McNemar.ExactP(onlyThis, onlyOther),
            OnlyThisRight = onlyThis,
            OnlyOtherRight = onlyOther,
        };
    }
}
