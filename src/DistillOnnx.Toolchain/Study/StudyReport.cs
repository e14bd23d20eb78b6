using System.Globalization;
using System.Text;

namespace DistillOnnx.Toolchain.Study;

/// <summary>Writes a study down: the table of runs, and a page that says what was compared and what was not.</summary>
internal static class StudyReport
{
    /// <summary>The runs as CSV.</summary>
    public static string Csv(IEnumerable<StudyRun> runs)
    {
        var text = new StringBuilder("data,student,method,fraction,seed,train_rows,parameters,rows,accuracy,validation_accuracy,best_step,steps,seconds,tokens_per_second\n");
        foreach (var r in runs)
        {
            text.Append(CultureInfo.InvariantCulture, $"{Quote(r.Data)},{Quote(r.Student)},{Quote(r.Method)},{r.Fraction},{r.Seed},{r.TrainRows},{r.Parameters},{r.Rows},");
            text.Append(CultureInfo.InvariantCulture, $"{r.Accuracy:0.######},{r.ValidationAccuracy:0.######},{r.BestStep},{r.Steps},{r.Seconds:0.#},{r.TokensPerSecond:0}\n");
        }

        return text.ToString();
    }

    /// <summary>The report as Markdown.</summary>
    public static string Markdown(StudyOptions options, IReadOnlyList<StudyRun> runs, IReadOnlyList<StudySummary> summary, IReadOnlyList<StudyData> data, IReadOnlyList<string> plots)
    {
        var page = new StringBuilder("# Study\n\n## What was compared\n\n");
        page.AppendLine(CultureInfo.InvariantCulture, $"Methods {string.Join(", ", options.Methods)}; shares of the training rows {string.Join(", ", options.Fractions)}; seeds {string.Join(", ", options.Seeds)}. ");
        page.AppendLine(CultureInfo.InvariantCulture, $"Each run: {(options.MaxSteps is { } steps ? $"{steps} steps" : $"{options.Epochs} epochs")}, batch {options.BatchSize}, alpha {options.Alpha} in step-by-step, checkpoint chosen on the validation rows, measured on `{options.Split}`.");
        page.AppendLine().AppendLine("| data | task | training rows | validation rows | measured rows | SHA-256 of the training file |").AppendLine("|---|---|---:|---:|---:|---|");
        foreach (var d in data) page.AppendLine(CultureInfo.InvariantCulture, $"| {d.Name} | {d.Task} | {d.TrainRows} | {d.ValidationRows} | {d.MeasuredRows} | `{d.TrainHash[..16]}…` |");
        page.AppendLine().AppendLine("| student | parameters | begins from |").AppendLine("|---|---:|---|");
        foreach (var student in options.Students.Select(StudyNames.Parse))
        {
            var parameters = runs.Where(r => r.Student == student.Name).Select(r => r.Parameters).Distinct().ToArray();
            var count = parameters.Length == 0 ? "–" : string.Join(" to ", new[] { parameters.Min(), parameters.Max() }.Distinct().Select(p => (p / 1e6).ToString("0.0 M", CultureInfo.InvariantCulture)));
            page.AppendLine(CultureInfo.InvariantCulture, $"| {student.Name} | {count} | {(Directory.Exists(student.Value) ? $"the checkpoint `{Path.GetFileName(Path.TrimEndingDirectorySeparator(student.Value))}`" : "initial weights")} |");
        }

        page.AppendLine().AppendLine("## Accuracy").AppendLine().AppendLine("Mean ± sample standard deviation over seeds, in per cent.").AppendLine();
        foreach (var student in summary.GroupBy(s => s.Student, StringComparer.Ordinal)) Table(page, student);
        foreach (var plot in plots) page.AppendLine(CultureInfo.InvariantCulture, $"![{plot}]({plot})").AppendLine();
        page.AppendLine("## What is not comparable to the paper").AppendLine();
        page.AppendLine("Hsieh et al. 2023 fine-tune T5 models of 220 million parameters and more that were pretrained on C4, for up to 10,000 steps, on the full training splits of their datasets, and report the mean over their runs. ");
        page.AppendLine("Figures here hold for the students, rows and steps named above and say nothing about larger ones. Rows that a dataset held out of another split are told in its `dataset.json`.");
        return page.ToString();
    }

    private static void Table(StringBuilder page, IGrouping<string, StudySummary> student)
    {
        var columns = student.Select(s => s.Fraction).Distinct().Order().ToArray();
        page.AppendLine(CultureInfo.InvariantCulture, $"### {student.Key}").AppendLine();
        page.AppendLine("| method | data | " + string.Join(" | ", columns.Select(c => string.Create(CultureInfo.InvariantCulture, $"{100 * c:0.##} % of rows"))) + " |");
        page.AppendLine("|---|---|" + string.Concat(columns.Select(_ => "---:|")));
        foreach (var line in student.GroupBy(s => (s.Method, s.Data)))
        {
            var cells = columns.Select(c => line.FirstOrDefault(s => s.Fraction == c) is { } s ? string.Create(CultureInfo.InvariantCulture, $"{100 * s.Accuracy:0.00} ± {100 * s.Deviation:0.00} (n={s.Seeds})") : "–");
            page.AppendLine(CultureInfo.InvariantCulture, $"| {line.Key.Method} | {line.Key.Data} | {string.Join(" | ", cells)} |");
        }

        page.AppendLine();
    }

    private static string Quote(string text) => text.AsSpan().IndexOfAny(",\"\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
