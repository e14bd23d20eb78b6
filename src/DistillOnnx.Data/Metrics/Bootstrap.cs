namespace DistillOnnx.Data.Metrics;

/// <summary>
/// Percentile bootstrap intervals (Efron 1979): the rows are drawn again with replacement, a thousand times, and the interval
/// holds the middle 95 % of the figures. The draws are seeded, so equal rows give equal intervals.
/// </summary>
public static class Bootstrap
{
    private const int Samples = 1000;

    /// <summary>The interval of a figure that depends on how many rows there are of each kind.</summary>
    /// <param name="counts">Rows of each kind; at least one row in all.</param>
    /// <param name="figure">The figure for such counts.</param>
    public static ConfidenceInterval Of(IReadOnlyList<int> counts, Func<int[], double> figure)
    {
        var rows = counts.Sum();
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        var kinds = new int[rows];
        for (int kind = 0, at = 0; kind < counts.Count; at += counts[kind++]) kinds.AsSpan(at, counts[kind]).Fill(kind);
        var random = new SplitMix64(0);
        var figures = new double[Samples];
        var drawn = new int[counts.Count];
        for (var sample = 0; sample < Samples; sample++)
        {
            Array.Clear(drawn);
            for (var row = 0; row < rows; row++) drawn[kinds[random.Next(rows)]]++;
            figures[sample] = figure(drawn);
        }

        Array.Sort(figures);
        return new ConfidenceInterval(Quantile(figures, 0.025), Quantile(figures, 0.975), "bootstrap");
    }

    /// <summary>The interval of the mean F1 of a confusion matrix.</summary>
    /// <param name="matrix">The matrix, with at least one row counted.</param>
    public static ConfidenceInterval OfMacroF1(ConfusionMatrix matrix)
    {
        var size = matrix.Labels.Count;
        return Of([.. matrix.Counts.SelectMany(row => row), .. matrix.Unlisted], drawn => ConfusionMatrix.MacroF1(drawn, size));
    }

    // Linear between the two nearest figures, the definition that NumPy and R use by default.
    private static double Quantile(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var below = (int)place;
        return sorted[below] + ((place - below) * (sorted[Math.Min(below + 1, sorted.Length - 1)] - sorted[below]));
    }
}
