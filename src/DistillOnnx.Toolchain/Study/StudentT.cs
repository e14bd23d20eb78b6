namespace DistillOnnx.Toolchain.Study;

/// <summary>Intervals of a mean of few values, by Student's t (Gosset 1908).</summary>
internal static class StudentT
{
    // 97.5 % quantiles for 1 to 30 degrees of freedom.
    private static readonly double[] Quantiles =
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101,
        2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    /// <summary>Mean, and how far its 95 % interval reaches on either side.</summary>
    /// <param name="values">The values; at least one.</param>
    /// <returns>The reach is null for a single value.</returns>
    public static (double Mean, double? Reach) Interval(IReadOnlyList<double> values)
    {
        var mean = values.Average();
        if (values.Count == 1) return (mean, null);
        var variance = values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1);
        return (mean, Reach(values.Count, Math.Sqrt(variance / values.Count)));
    }

    /// <summary>How far the 95 % interval of a mean reaches on either side; null for a single value.</summary>
    /// <param name="count">Values.</param>
    /// <param name="standardError">Of their mean.</param>
    public static double? Reach(int count, double standardError) =>
        // Beyond the table the largest tabulated quantile is a little too large, which makes no interval too narrow.
        count < 2 ? null : Quantiles[Math.Min(count - 1, Quantiles.Length) - 1] * standardError;
}
