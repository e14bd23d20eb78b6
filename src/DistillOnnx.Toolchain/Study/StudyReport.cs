using System.Globalization;
using System.Text;
using DistillOnnx.Data;
using DistillOnnx.Stages.Options;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Study;

/// <summary>Writes a study down: the table of runs, and a page that lists what was compared and what was not.</summary>
internal static class StudyReport
{
    // Described in text, or without effect on the figures.
    private static readonly HashSet<string> Described = new(StringComparer.Ordinal)
    {
        "data", "world", "world_rows", "students", "methods", "fractions", "seeds", "split", "max_steps", "max_tokens", "epochs",
        "batch_size", "alpha", "alpha_end", "accuracies", "out", "overwrite", "resume", "keep_checkpoints", "device", "threads", "jobs",
    };

    /// <summary>The runs as CSV.</summary>
    public static string Csv(IEnumerable<StudyRun> runs)
    {
        var text = new StringBuilder(
            "data,student,method,fraction,seed,train_rows,parameters,rows,accuracy,validation_accuracy,"
            + "best_step,steps,tokens,converged,seconds,tokens_per_second\n");
        foreach (var r in runs)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Quote(r.Data)},{Quote(r.Student)},{Quote(r.Method)},{r.Fraction},{r.Seed},{r.TrainRows},{r.Parameters},{r.Rows},");
            text.Append(
                CultureInfo.InvariantCulture,
                $"{r.Accuracy:0.######},{r.ValidationAccuracy:0.######},{r.BestStep},{r.Steps},{r.Tokens},");
            text.Append(
                CultureInfo.InvariantCulture,
                $"{(r.Converged ? "true" : "false")},{r.Seconds:0.#},{r.TokensPerSecond:0}\n");
        }

        return text.ToString();
    }

    /// <summary>The report as Markdown.</summary>
    public static string Markdown(StudyOptions options, StudyResult result, IReadOnlyList<StudyData> data, IReadOnlyList<string> plots)
    {
        var page = new StringBuilder("# Study\n\n## What was compared\n\n");
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"Methods {string.Join(", ", options.Methods)}; shares of the training rows "
            + $"{string.Join(", ", options.Fractions)}; seeds {string.Join(", ", options.Seeds)}. ");
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"Each run: {Length(options)}, batch {options.BatchSize}, {Alpha(options)}{Chosen(data)}, "
            + $"measured on `{options.Split}`.");
        page.AppendLine(Compared(options, [.. result.Runs.Where(r => data.Any(d => d.Name == r.Data))]));
        if (options.World.Count > 0) page.AppendLine(StudyWorld.Describe(options));
        if (options.Split is SplitNames.Train or SplitNames.Validation)
            page.AppendLine(CultureInfo.InvariantCulture, $"**Students were trained on rows of `{options.Split}`, or chosen by them.**");
        if (options.LabelLoss == LabelLoss.Auto)
            page.AppendLine(
                "The label loss (`--label-loss auto`) is a mean over tokens, but in step-by-step, where labels are a closed set, over "
                + "labels.");
        if (result.RunsMade < result.RunsPlanned)
            page.AppendLine(
                CultureInfo.InvariantCulture,
                $"**Not complete: {result.RunsMade} of {result.RunsPlanned} runs are made, and all figures are of these alone.**");
        var others = Others(options);
        if (others.Count > 0)
            page.AppendLine(CultureInfo.InvariantCulture, $"Otherwise the defaults of `train`, but for {string.Join(", ", others)}.");
        page.AppendLine().AppendLine(
            "| data | task | training rows | validation rows | measured rows | chance | SHA-256 of the training file |").AppendLine(
                "|---|---|---:|---:|---:|---:|---|");
        foreach (var d in data)
        {
            var chance = d.Chance is { } c ? string.Create(CultureInfo.InvariantCulture, $"{100 * c:0.00} %") : "–";
            page.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {d.Name} | {d.Task} | {d.TrainRows} | {d.ValidationRows} | {d.MeasuredRows} | {chance} | `{d.TrainHash[..16]}…` |");
        }

        if (result.Tokenizer is not null)
            page.AppendLine().AppendLine(
                "Students that begin from nothing share one tokenizer, trained on the training texts, labels and "
                + "rationales of all datasets.");
        if (data.DistinctBy(d => d.LabelHash).Count() < data.Count)
            page.AppendLine().AppendLine(
                "Datasets that differ in rationales alone share the runs of methods that read none; these are listed under "
                + "the first dataset's name.");
        page.AppendLine().AppendLine("| student | parameters | begins from | before any training |").AppendLine("|---|---:|---|---|");
        foreach (var student in options.Students.Select(StudyNames.Parse))
        {
            var parameters = result.Runs.Where(r => r.Student == student.Name).Select(r => r.Parameters).Distinct().ToArray();
            var count = parameters.Length == 0
                ? "–"
                : string.Join(
                    " to ",
                    new[] { parameters.Min(), parameters.Max() }.Distinct()
                        .Select(p => (p / 1e6).ToString("0.0 M", CultureInfo.InvariantCulture)));
            var untrained = string.Join(
                ", ",
                result.Untrained.Where(u => u.Student == student.Name)
                    .Select(u => string.Create(CultureInfo.InvariantCulture, $"{100 * u.Accuracy:0.00} % on {u.Data}")));
            var start = Directory.Exists(student.Value)
                ? $"the checkpoint `{Path.GetFileName(Path.TrimEndingDirectorySeparator(student.Value))}`"
                : "initial weights";
            page.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {student.Name} | {count} | {start} | {(untrained.Length == 0 ? "–" : untrained)} |");
        }

        page.AppendLine().AppendLine("## Accuracy").AppendLine().AppendLine(
            "Mean ± sample standard deviation over seeds, in per cent; of one seed there is none.").AppendLine();
        foreach (var student in result.Summary.GroupBy(s => s.Student, StringComparer.Ordinal)) Table(page, student);
        foreach (var plot in plots) page.AppendLine(CultureInfo.InvariantCulture, $"![{plot}]({plot})").AppendLine();
        Differences(page, options.Methods[0], result.Differences);
        StudyEfficiency.Write(page, options, result, data);
        page.AppendLine("## What is not comparable to the paper").AppendLine();
        page.AppendLine(
            "Hsieh et al. 2023 fine-tune T5 models of 220 million parameters and more that were pretrained on C4, for "
            + "up to 10,000 steps, on the full training splits of their datasets, and report the mean over their runs. ");
        page.AppendLine(
            "Figures here hold for the students, rows and steps named above and do not apply to larger ones. Rows "
            + "that a dataset held out of another split are listed in its `dataset.json`.");
        return page.ToString();
    }

    private static string Alpha(StudyOptions options)
    {
        if (options.Methods.All(m => StudyMethod.Find(m)!.Method != TrainingMethod.StepByStep)) return "";
        var end = options.AlphaEnd is { } last ? string.Create(CultureInfo.InvariantCulture, $" to {last}") : "";
        return string.Create(CultureInfo.InvariantCulture, $"alpha {options.Alpha ?? TrainOptions.DefaultAlpha}{end} in step-by-step, ");
    }

    private static string Length(StudyOptions options) =>
        options.MaxTokens is { } tokens ? string.Create(CultureInfo.InvariantCulture, $"as many steps as reach {tokens} tokens")
        : options.MaxSteps is { } steps
            ? string.Create(CultureInfo.InvariantCulture, $"{(options.Patience > 0 ? "at most " : "")}{steps} steps")
        : string.Create(CultureInfo.InvariantCulture, $"{options.Epochs ?? TrainOptions.DefaultEpochs} epochs");

    /// <summary>Whether methods had equal steps, equal tokens, or what they need.</summary>
    private static string Compared(StudyOptions options, IReadOnlyList<StudyRun> runs)
    {
        if (options.Patience == 0)
            return options.MaxTokens is null
                ? "Methods are compared at equal steps; a step of step-by-step has the tokens of inputs, labels and rationales."
                : "Methods are compared at equal tokens, but for those of the last step.";
        var unfinished = runs.Count(r => !r.Converged);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Methods are compared at convergence: a run stops after {options.Patience} evaluations without a gain. ")
            + (unfinished == 0
                ? "All runs did."
                : string.Create(
                    CultureInfo.InvariantCulture, $"{unfinished} of {runs.Count} runs were stopped by their last step before that."));
    }

    private static string Chosen(IReadOnlyList<StudyData> data)
    {
        string[] without = [.. data.Where(d => d.ValidationRows == 0).Select(d => d.Name)];
        return without.Length == 0 ? "checkpoint chosen on the validation rows"
            : without.Length == data.Count ? "the last step's weights (there are no validation rows to choose by)"
            : $"checkpoint chosen on the validation rows, but for {string.Join(", ", without)}, without any, where it is the last step's";
    }

    private static void Differences(StringBuilder page, string reference, IReadOnlyList<StudyDifference> differences)
    {
        if (differences.Count == 0) return;
        page.AppendLine(CultureInfo.InvariantCulture, $"## Against {reference}").AppendLine();
        page.AppendLine(
            "Difference of accuracies, paired by seed (same rows, same initial weights): mean ± half of its 95 % interval (Student's t), "
            + "in points. Where the interval holds zero, and for one seed, nothing is shown.").AppendLine();
        page.AppendLine("| student | method | data | share | seeds | difference |").AppendLine("|---|---|---|---:|---:|---:|");
        foreach (var d in differences)
            page.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {d.Student} | {d.Method} | {d.Data} | {100 * d.Fraction:0.##} % | {d.Seeds} | "
                + $"{100 * d.Mean:+0.00;-0.00;0.00}{(d.Reach is { } r ? FormattableString.Invariant($" ± {100 * r:0.00}") : "")} |");
        page.AppendLine();
    }

    private static void Table(StringBuilder page, IGrouping<string, StudySummary> student)
    {
        var columns = student.Select(s => s.Fraction).Distinct().Order().ToArray();
        page.AppendLine(CultureInfo.InvariantCulture, $"### {student.Key}").AppendLine();
        page.AppendLine(
            "| method | data | "
                + string.Join(" | ", columns.Select(c => string.Create(CultureInfo.InvariantCulture, $"{100 * c:0.##} % of rows")))
                + " |");
        page.AppendLine("|---|---|" + string.Concat(columns.Select(_ => "---:|")));
        foreach (var line in student.GroupBy(s => (s.Method, s.Data)))
        {
            var cells = columns.Select(c => line.FirstOrDefault(s => s.Fraction == c) is { } s
                ? string.Create(CultureInfo.InvariantCulture, $"{s.Text} (n={s.Seeds})")
                : "–");
            page.AppendLine(CultureInfo.InvariantCulture, $"| {line.Key.Method} | {line.Key.Data} | {string.Join(" | ", cells)} |");
        }

        page.AppendLine();
    }

    private static string Quote(string text) =>
        text.AsSpan().IndexOfAny(",\"\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>Options that a reader needs to make the runs again, as flags.</summary>
    private static List<string> Others(StudyOptions options) =>
    [
        .. from option in new OptionBinder(typeof(StudyOptions), "study").Options
           let value = option.GetValue(options)
           where value is not null && !value.Equals(option.DefaultValue) && !Described.Contains(option.Key)
           select $"`{option.Flag} {OptionBinder.Format(value)}`",
    ];
}
