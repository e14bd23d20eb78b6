using System.Globalization;
using System.Text;

namespace DistillOnnx.Toolchain.Study;

/// <summary>The sections of a study's page on less data and smaller models.</summary>
internal static class StudyEfficiency
{
    /// <summary>Writes them.</summary>
    /// <param name="page">Where to.</param>
    /// <param name="options">The study's, of which the first method is the one that others are compared with.</param>
    /// <param name="result">The study.</param>
    /// <param name="data">Its datasets.</param>
    public static void Write(StringBuilder page, StudyOptions options, StudyResult result, IReadOnlyList<StudyData> data)
    {
        Rows(page, options.Methods[0], result.RowsRatio);
        Unknown(page, options, result.RowsRatio);
        Students(page, result.SmallestStudents, data);
    }

    /// <summary>Accuracies that were asked for and about which the runs say nothing.</summary>
    private static void Unknown(
        StringBuilder page, StudyOptions options, IReadOnlyDictionary<string, IReadOnlyList<StudyRatio>> ratios)
    {
        string[] unknown =
        [
            .. options.Accuracies.Where(a => !ratios.ContainsKey(
                double.Parse(a, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture))),
        ];
        if (unknown.Length == 0) return;
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"The rows needed are not known at {string.Join(", ", unknown)}: there a seed has neither method's curve at the accuracy, or "
            + $"seeds bound the ratio from opposite sides.").AppendLine();
    }

    private static void Rows(StringBuilder page, string reference, IReadOnlyDictionary<string, IReadOnlyList<StudyRatio>> ratios)
    {
        if (ratios.Count == 0) return;
        page.AppendLine("## Rows needed").AppendLine();
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"Training rows that a method needs for an accuracy, over those that {reference} needs, found for each seed on its curve "
            + $"(straight lines of accuracy over the logarithm of rows): geometric mean, and its 95 % interval by Student's t over "
            + $"seeds. ≤: with some seed "
            + $"{reference} does not reach the accuracy with all rows, or the method does with the fewest, so the ratio is at most this. "
            + $"≥: the other way round.").AppendLine();
        page.AppendLine("| student | method | data | accuracy | seeds | rows needed over rows needed | interval |");
        page.AppendLine("|---|---|---|---:|---:|---:|---:|");
        var lines = from pair in ratios
                    from ratio in pair.Value
                    orderby ratio.Student, ratio.Method, ratio.Data
                    select (Accuracy: pair.Key, Ratio: ratio);
        foreach (var (accuracy, r) in lines)
        {
            var interval = r.Low is { } low && r.High is { } high
                ? string.Create(CultureInfo.InvariantCulture, $"{low:0.00} to {high:0.00}")
                : "–";
            page.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {r.Student} | {r.Method} | {r.Data} | {accuracy} | {r.Seeds} | {Sign(r.Bound)}{r.Ratio:0.00} | {interval} |");
        }

        page.AppendLine();
    }

    /// <summary>A bound before a figure.</summary>
    public static string Sign(RatioBound bound) => bound switch
    {
        RatioBound.AtMost => "≤ ",
        RatioBound.AtLeast => "≥ ",
        _ => "",
    };

    private static void Students(StringBuilder page, IReadOnlyList<SmallestStudent> students, IReadOnlyList<StudyData> data)
    {
        if (students.Count == 0) return;
        page.AppendLine("## Smallest student that is as good as the teacher").AppendLine();
        foreach (var d in data.Where(d => d.TeacherAccuracy is not null && d.TeacherRows < d.MeasuredRows))
            page.AppendLine(
                CultureInfo.InvariantCulture,
                $"The teacher's accuracy on {d.Name} is that of the {d.TeacherRows} of {d.MeasuredRows} rows that have its label; the "
                + $"students' is of all.").AppendLine();
        page.AppendLine("| data | method | teacher | student | parameters | training rows | accuracy |");
        page.AppendLine("|---|---|---:|---|---:|---:|---:|");
        foreach (var s in students)
        {
            page.Append(CultureInfo.InvariantCulture, $"| {s.Data} | {s.Method} | {100 * s.TeacherAccuracy:0.00} % | ");
            page.AppendLine(
                s.Student is null
                    ? "none | – | – | – |"
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{s.Student} | {s.Parameters / 1e6:0.0} M | {s.TrainRows} | {100 * s.Accuracy:0.00} % |"));
        }

        page.AppendLine();
    }
}
