namespace DistillOnnx.Data.Metrics;

/// <summary>How far claimed probabilities are from what comes true.</summary>
public static class Calibration
{
    /// <summary>
    /// Expected calibration error (Guo et al. 2017, arXiv:1706.04599): answers are put into bins of equal width by their
    /// claimed probability, and each bin's gap between mean claim and share of right answers is averaged, weighted by its answers.
    /// </summary>
    /// <param name="confidences">The claimed probability of each answer, between 0 and 1.</param>
    /// <param name="correct">Whether each answer was right, in the same order.</param>
    /// <param name="bins">Number of bins.</param>
    /// <returns>A fraction of one; 0 where there are no answers.</returns>
    public static double ExpectedCalibrationError(IReadOnlyList<double> confidences, IReadOnlyList<bool> correct, int bins = 15)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(correct.Count, confidences.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        var gaps = new double[bins];
        for (var i = 0; i < confidences.Count; i++)
        {
            // A claim of exactly 1 belongs to the last bin.
            var bin = Math.Clamp((int)(confidences[i] * bins), 0, bins - 1);
            gaps[bin] += confidences[i] - (correct[i] ? 1 : 0);
        }

        return confidences.Count == 0 ? 0 : gaps.Sum(Math.Abs) / confidences.Count;
    }
}
