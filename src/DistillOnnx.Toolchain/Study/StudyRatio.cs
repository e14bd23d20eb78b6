using System.Globalization;

namespace DistillOnnx.Toolchain.Study;

/// <summary>
/// How many training rows a method needs for an accuracy, relative to the first method of the study: the paper's "less data" as a figure.
/// Rows are found per seed (see <see cref="RowsNeeded"/>); ratios are averaged, and their interval made, as logarithms.
/// </summary>
/// <param name="Student">The student's name.</param>
/// <param name="Data">Whose rationales the method read.</param>
/// <param name="Method">The method.</param>
/// <param name="Seeds">Pairs.</param>
/// <param name="Ratio">Geometric mean of its rows over the reference's; with a bound, of the bounds.</param>
/// <param name="Low">Lower end of the ratio's 95 % interval (Student's t over seeds); null for a single pair.</param>
/// <param name="High">Upper end.</param>
/// <param name="Bound">Whether the ratio is exact.</param>
public sealed record StudyRatio(
    string Student, string Data, string Method, int Seeds, double Ratio, double? Low, double? High, RatioBound Bound)
{
    // Accuracies at which curves are compared where none are named: in steps of 0.05, as the digits of a key should be few.
    private const int Grid = 20;

    /// <summary>Compares curves.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="reference">The method that others are compared with.</param>
    /// <param name="stand">For each dataset, the one on which the reference ran in its place.</param>
    /// <param name="accuracies">Accuracies to compare at; empty: every multiple of 0.05 at which something is known.</param>
    /// <returns>Ratios per accuracy; where the curves of a method say nothing about one, it is left out.</returns>
    public static IReadOnlyDictionary<string, IReadOnlyList<StudyRatio>> Of(
        IReadOnlyList<StudyRun> runs, string reference, IReadOnlyDictionary<string, string> stand, IReadOnlyList<double> accuracies)
    {
        var ratios = new Dictionary<string, IReadOnlyList<StudyRatio>>(StringComparer.Ordinal);
        var all = accuracies.Count > 0 ? accuracies : [.. Enumerable.Range(1, Grid - 1).Select(i => (double)i / Grid)];
        foreach (var accuracy in all.Distinct().Order())
        {
            var found = runs.Where(r => r.Method != reference).GroupBy(r => (r.Student, r.Data, r.Method))
                .Select(g => At(accuracy, [.. g], [.. runs.Where(r =>
                    r.Method == reference && r.Student == g.Key.Student
                    && r.Data == stand.GetValueOrDefault(g.Key.Data, g.Key.Data))]))
                .OfType<StudyRatio>().ToArray();
            if (found.Length > 0) ratios.Add(accuracy.ToString(CultureInfo.InvariantCulture), found);
        }

        return ratios;
    }

    private static StudyRatio? At(double accuracy, StudyRun[] runs, StudyRun[] references)
    {
        RowsNeeded[] pairs =
        [
            .. from run in runs.GroupBy(r => r.Seed)
               join other in references.GroupBy(r => r.Seed) on run.Key equals other.Key
               select Needed(run, accuracy).Over(Needed(other, accuracy)),
        ];
        if (pairs.Length == 0) return null;
        RatioBound? bound = pairs.All(p => p.Low == p.High) ? RatioBound.Exact
            : pairs.All(p => double.IsFinite(p.High)) ? RatioBound.AtMost
            : pairs.All(p => p.Low > 0) ? RatioBound.AtLeast
            : null;
        if (bound is not { } known) return null;
        double[] logarithms = [.. pairs.Select(p => Math.Log(known == RatioBound.AtLeast ? p.Low : p.High))];
        var (mean, reach) = StudentT.Interval(logarithms);
        return new StudyRatio(
            runs[0].Student,
            runs[0].Data,
            runs[0].Method,
            pairs.Length,
            Math.Exp(mean),
            reach is null ? null : Math.Exp(mean - reach.Value),
            reach is null ? null : Math.Exp(mean + reach.Value),
            known);
    }

    private static RowsNeeded Needed(IEnumerable<StudyRun> curve, double accuracy) =>
        RowsNeeded.On(curve.Select(r => (r.TrainRows, r.Accuracy)), accuracy);
}
