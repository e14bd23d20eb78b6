namespace DistillOnnx.Toolchain.Study;

/// <summary>
/// A method against the first one of the study, seed by seed: both drew the same rows and the same initial weights, so that what
/// these do cancels out.
/// </summary>
/// <param name="Student">The student's name.</param>
/// <param name="Data">Whose rationales the method read.</param>
/// <param name="Method">The method.</param>
/// <param name="Fraction">Share of the training rows.</param>
/// <param name="Seeds">Pairs.</param>
/// <param name="Mean">Mean difference of the accuracies, a fraction of one.</param>
/// <param name="StandardError">Its standard error; null for a single pair, which says nothing of it.</param>
public sealed record StudyDifference(
    string Student, string Data, string Method, double Fraction, int Seeds, double Mean, double? StandardError)
{
    /// <summary>Half of the 95 % interval; null for a single pair, which says nothing of it.</summary>
    internal double? Reach => StandardError is { } error ? StudentT.Reach(Seeds, error) : null;

    /// <summary>Compares runs.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="reference">The method that others are compared with.</param>
    /// <param name="stand">For each dataset, the one on which the reference ran in its place.</param>
    public static IReadOnlyList<StudyDifference> Of(
        IReadOnlyList<StudyRun> runs, string reference, IReadOnlyDictionary<string, string> stand)
    {
        var references = runs.Where(r => r.Method == reference).ToDictionary(r => (r.Student, r.Data, r.Fraction, r.Seed));
        return
        [
            .. runs.Where(r => r.Method != reference).GroupBy(r => (r.Student, r.Data, r.Method, r.Fraction)).Select(g =>
            {
                double[] gains =
                [
                    .. g.Select(r => references.TryGetValue(
                        (r.Student, stand.GetValueOrDefault(r.Data, r.Data), r.Fraction, r.Seed), out var other)
                        ? r.Accuracy - other.Accuracy
                        : double.NaN)
                        .Where(double.IsFinite),
                ];
                var mean = gains.Length == 0 ? 0 : gains.Average();
                double? error = gains.Length > 1
                    ? Math.Sqrt(gains.Sum(x => (x - mean) * (x - mean)) / (gains.Length - 1) / gains.Length)
                    : null;
                return new StudyDifference(g.Key.Student, g.Key.Data, g.Key.Method, g.Key.Fraction, gains.Length, mean, error);
            }).Where(d => d.Seeds > 0),
        ];
    }
}
