namespace DistillOnnx.Benchmarks.Harness;

/// <summary>Times of one variant, in milliseconds.</summary>
/// <param name="Median">The middle one.</param>
/// <param name="Fastest">The least disturbed one.</param>
/// <param name="Low">First decile.</param>
/// <param name="High">Last decile.</param>
/// <param name="Rounds">How many there are.</param>
internal readonly record struct Timing(double Median, double Fastest, double Low, double High, int Rounds)
{
    /// <summary>Sums up samples.</summary>
    /// <param name="samples">At least one time in milliseconds.</param>
    public static Timing Of(IReadOnlyCollection<double> samples)
    {
        var sorted = samples.Order().ToArray();
        double At(double quantile) => sorted[(int)Math.Round(quantile * (sorted.Length - 1))];
        return new Timing(At(0.5), sorted[0], At(0.1), At(0.9), sorted.Length);
    }
}
