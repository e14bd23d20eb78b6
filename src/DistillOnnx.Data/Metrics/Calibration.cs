namespace DistillOnnx.Data.Metrics;

/// <summary>How far claimed probabilities are from what comes true.</summary>
public static class Calibration
{
    /// <summary>Bins unless told otherwise: those of Guo et al. 2017 (arXiv:1706.04599).</summary>
    public const int DefaultBins = 15;

    /// <summary>Puts answers into bins of equal width by their claimed probability.</summary>
    /// <param name="probabilities">The claimed probability of each answer, between 0 and 1.</param>
    /// <param name="correct">Whether each answer was right, in the same order.</param>
    /// <param name="bins">Number of bins.</param>
    public static IReadOnlyList<ReliabilityBin> Bins(
        IReadOnlyList<double> probabilities, IReadOnlyList<bool> correct, int bins = DefaultBins)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(correct.Count, probabilities.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        var sums = new (int Rows, double Probability, int Correct)[bins];
        for (var i = 0; i < probabilities.Count; i++)
        {
            // A probability of exactly 1 belongs to the last bin.
            ref var bin = ref sums[Math.Clamp((int)(probabilities[i] * bins), 0, bins - 1)];
            bin = (bin.Rows + 1, bin.Probability + probabilities[i], bin.Correct + (correct[i] ? 1 : 0));
        }

        return
        [
            .. sums.Select((s, i) => new ReliabilityBin(
                (double)i / bins,
                (double)(i + 1) / bins,
                s.Rows,
                s.Rows == 0 ? 0 : s.Probability / s.Rows,
                s.Rows == 0 ? 0 : (double)s.Correct / s.Rows)),
        ];
    }

    /// <summary>
    /// Expected calibration error (Guo et al. 2017, arXiv:1706.04599): each bin's gap between mean probability and share of right
    /// answers, averaged over the answers.
    /// </summary>
    /// <param name="bins">The bins.</param>
    /// <returns>A fraction of one; 0 where there are no answers.</returns>
    public static double ExpectedCalibrationError(IReadOnlyList<ReliabilityBin> bins)
    {
        var rows = bins.Sum(b => b.Rows);
        return rows == 0 ? 0 : bins.Sum(b => b.Rows * Math.Abs(b.Probability - b.Accuracy)) / rows;
    }
}
