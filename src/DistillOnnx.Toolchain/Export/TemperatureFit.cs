using DistillOnnx.Core.Bundles;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Export;

/// <summary>
/// Temperature scaling (Guo et al. 2017, arXiv:1706.04599): one number by which log-probabilities are divided, fitted to the
/// least negative log-likelihood of the gold labels. It moves no answer, only the confidence of the answers.
/// </summary>
/// <remarks>
/// Gold labels count as right but for one part in rows + 2, as in Platt (1999): what Laplace's rule of succession leaves to a
/// mistake not seen yet. Without it a model that is right on every row would be fitted to certainty, which no number of rows
/// proves; with it, n right answers in n make it about as sure as 1 − 1/(n + 2). Where there are mistakes to fit on, it
/// weighs as much as one row.
/// </remarks>
internal static class TemperatureFit
{
    private const double Lowest = 0.05, Highest = 20;

    /// <summary>Fits the temperature.</summary>
    /// <param name="logProbabilities">For each row, its labels' log-probabilities.</param>
    /// <param name="gold">For each row, the gold label's place among them.</param>
    public static BundleCalibration Fit(IReadOnlyList<IReadOnlyList<double>> logProbabilities, IReadOnlyList<int> gold)
    {
        var doubt = 1.0 / (gold.Count + 2);
        double Loss(double logTemperature)
        {
            var temperature = Math.Exp(logTemperature);
            var sum = 0.0;
            for (var row = 0; row < gold.Count; row++)
            {
                var scaled = Scale(logProbabilities[row], temperature);
                var right = scaled[gold[row]];
                sum -= right;
                if (scaled.Length > 1) sum += doubt * (right - ((scaled.Sum() - right) / (scaled.Length - 1)));
            }

            return sum;
        }

        // The loss is convex in 1/temperature, so it has one valley: golden-section search finds it.
        var ratio = (Math.Sqrt(5) - 1) / 2;
        double low = Math.Log(Lowest), high = Math.Log(Highest);
        double left = high - (ratio * (high - low)), right = low + (ratio * (high - low));
        double leftLoss = Loss(left), rightLoss = Loss(right);
        while (high - low > 1e-4)
        {
            if (leftLoss <= rightLoss)
            {
                (high, right, rightLoss) = (right, left, leftLoss);
                left = high - (ratio * (high - low));
                leftLoss = Loss(left);
            }
            else
            {
                (low, left, leftLoss) = (left, right, rightLoss);
                right = low + (ratio * (high - low));
                rightLoss = Loss(right);
            }
        }

        var fitted = Math.Exp((low + high) / 2);
        return new BundleCalibration
        {
            Temperature = Math.Round(fitted, 4),
            EceBefore = ExpectedCalibrationError(logProbabilities, gold, 1),
            EceAfter = ExpectedCalibrationError(logProbabilities, gold, Math.Round(fitted, 4)),
            Rows = gold.Count,
        };
    }

    /// <summary>Log-probabilities after division by a temperature, normalised again.</summary>
    public static double[] Scale(IReadOnlyList<double> logProbabilities, double temperature)
    {
        var scaled = logProbabilities.Select(v => v / temperature).ToArray();
        var max = scaled.Max();
        var normalizer = max + Math.Log(scaled.Sum(v => Math.Exp(v - max)));
        return [.. scaled.Select(v => v - normalizer)];
    }

    private static double ExpectedCalibrationError(
        IReadOnlyList<IReadOnlyList<double>> logProbabilities, IReadOnlyList<int> gold, double temperature)
    {
        var probabilities = new double[gold.Count];
        var correct = new bool[gold.Count];
        for (var row = 0; row < gold.Count; row++)
        {
            var scaled = Scale(logProbabilities[row], temperature);
            var best = Array.IndexOf(scaled, scaled.Max());
            (probabilities[row], correct[row]) = (Math.Exp(scaled[best]), best == gold[row]);
        }

        return Calibration.ExpectedCalibrationError(Calibration.Bins(probabilities, correct));
    }
}
