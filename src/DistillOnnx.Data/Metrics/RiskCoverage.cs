namespace DistillOnnx.Data.Metrics;

/// <summary>What abstaining below a probability costs and gains (El-Yaniv and Wiener 2010).</summary>
/// <param name="Threshold">The probability below which the model would abstain.</param>
/// <param name="Coverage">Share of the rows that are then answered.</param>
/// <param name="Risk">Share of the answered rows that are answered wrongly.</param>
public sealed record RiskCoverage(double Threshold, double Coverage, double Risk)
{
    /// <summary>The trade-off, from the surest rows to all of them.</summary>
    /// <param name="probabilities">The probability of each answer.</param>
    /// <param name="correct">Whether each answer was right, in the same order.</param>
    /// <param name="steps">Steps of coverage: a point for the first threshold that reaches each step, so at most this many.</param>
    public static IReadOnlyList<RiskCoverage> Curve(IReadOnlyList<double> probabilities, IReadOnlyList<bool> correct, int steps = 20)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(correct.Count, probabilities.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        var rows = probabilities.Count;
        var order = Enumerable.Range(0, rows).OrderByDescending(i => probabilities[i]).ToList();
        var curve = new List<RiskCoverage>(steps);
        var (wrong, step) = (0, 1);
        for (var i = 0; i < rows; i++)
        {
            if (!correct[order[i]]) wrong++;
            // Rows of equal probability are answered together or not at all.
            if (i + 1 < rows && probabilities[order[i + 1]] == probabilities[order[i]]) continue;
            var covered = i + 1;
            if ((long)covered * steps < (long)step * rows) continue;
            curve.Add(new RiskCoverage(probabilities[order[i]], (double)covered / rows, (double)wrong / covered));
            step = (int)((long)covered * steps / rows) + 1;
        }

        return curve;
    }
}
