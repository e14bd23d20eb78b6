namespace DistillOnnx.Toolchain.Study;

/// <summary>Runs that differ in their seed alone.</summary>
/// <param name="Data">The dataset's name.</param>
/// <param name="Student">The student's name.</param>
/// <param name="Method">The method.</param>
/// <param name="Fraction">Share of the training rows.</param>
/// <param name="TrainRows">Rows trained on.</param>
/// <param name="Seeds">How many runs there are.</param>
/// <param name="Accuracy">Mean accuracy.</param>
/// <param name="Deviation">Sample standard deviation of the accuracy; null for a single run, which has none.</param>
public sealed record StudySummary(
    string Data, string Student, string Method, double Fraction, int TrainRows, int Seeds, double Accuracy, double? Deviation)
{
    /// <summary>For a person, in per cent; of a single run without a deviation, which it has none of.</summary>
    internal string Text => Deviation is { } deviation
        ? FormattableString.Invariant($"{100 * Accuracy:0.00} ± {100 * deviation:0.00}")
        : FormattableString.Invariant($"{100 * Accuracy:0.00}");

    /// <summary>Sums runs up, in their order.</summary>
    /// <param name="runs">The runs.</param>
    public static IReadOnlyList<StudySummary> Of(IEnumerable<StudyRun> runs) =>
        [.. runs.GroupBy(r => (r.Student, r.Data, r.Method, r.Fraction)).Select(g =>
        {
            var mean = g.Average(r => r.Accuracy);
            var squares = g.Sum(r => (r.Accuracy - mean) * (r.Accuracy - mean));
            var count = g.Count();
            return new StudySummary(
                g.Key.Data,
                g.Key.Student,
                g.Key.Method,
                g.Key.Fraction,
                g.First().TrainRows,
                count,
                mean,
                count > 1 ? Math.Sqrt(squares / (count - 1)) : null);
        })];
}
