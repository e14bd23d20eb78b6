using System.Globalization;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Stages.Reports;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>An evaluation as a page.</summary>
internal static class EvaluationReport
{
    // A grid of more labels is too small for their names.
    private const int GridLabels = 12;
    private const int ShownPairs = 10;

    /// <summary>Makes the page.</summary>
    public static HtmlReport Build(EvaluateOptions options, TaskSpec task, EvaluateResult result)
    {
        var page = new HtmlReport($"Evaluation of {options.Model}").Paragraph($"On {options.Split} of {options.Data}, task {task.Name}.");
        Add(page, task, result);
        return page;
    }

    /// <summary>Adds the sections to a page.</summary>
    public static void Add(HtmlReport page, TaskSpec task, EvaluateResult result)
    {
        Figures(page, result);
        if (EvaluationTable.Missed(result) is { } missed) page.Warning(missed);
        if (result.Against is { } against) Against(page, against);
        if (result.Classes is { } classes) Classes(page, result, classes);
        if (result.Reliability is { } bins) Reliability(page, bins);
        if (result.RiskCoverage is { Count: > 0 } curve) Risk(page, curve);
        if (result.Errors is { Count: > 0 } errors) Errors(page, errors);
        if (result.Rationales is { } rationales) Rationales(page, rationales);
        page.Note(task.Kind == TaskKind.Text
            ? "Answers to an open task have no probability, so there is no calibration."
            : "A row on which the model abstained counts by its most probable label.");
    }

    private static void Figures(HtmlReport page, EvaluateResult result)
    {
        var figures = new List<(string, string)>
        {
            ("rows", Count(result.Rows)),
            ("accuracy", Share(result.Accuracy) + Range(result.AccuracyInterval, Share)),
        };
        if (result.MacroF1 is { } macro) figures.Add(("macro F1", Figure(macro) + Range(result.MacroF1Interval, Figure)));
        if (result.WeightedF1 is { } weighted) figures.Add(("weighted F1", Figure(weighted)));
        if (result.Loss is { } loss) figures.Add(("loss, nats", Figure(loss)));
        if (result.Ece is { } ece) figures.Add(("calibration error", Share(ece)));
        if (result.Abstained is { } abstained) figures.Add(("abstained", Share(abstained)));
        if (result.Truncated > 0) figures.Add(("inputs cut", Share(result.Truncated)));
        page.Figures(figures).Note("In brackets: 95 % confidence intervals (accuracy by Wilson's method, F1 by the bootstrap).");
    }

    private static void Against(HtmlReport page, AgainstResult against) => page.Heading("Against the other model").Figures(
    [
        ("the other's accuracy", Share(against.Accuracy)),
        ("difference", Signed(against.Difference)
            + $" [{Signed(against.DifferenceInterval.Low)}, {Signed(against.DifferenceInterval.High)}]"),
        ("only this one right", Count(against.OnlyThisRight)), ("only the other right", Count(against.OnlyOtherRight)),
        ("McNemar's p", against.McnemarP.ToString("0.0###", CultureInfo.InvariantCulture)),
    ]);

    private static void Classes(HtmlReport page, EvaluateResult result, IReadOnlyDictionary<string, ClassFigures> classes)
    {
        page.Heading("By label").Table(
            ["Label", "Precision", "Recall", "F1", "Gold rows"],
            classes.Select(c => (IReadOnlyList<string?>)[
                c.Key, Figure(c.Value.Precision), Figure(c.Value.Recall), Figure(c.Value.F1), Count(c.Value.Support)
            ]));
        var labels = classes.Keys.ToList();
        var confusion = result.Confusion!;
        if (labels.Count <= GridLabels)
            page.Chart(SvgChart.Grid(labels, [.. confusion.Select(row => row.Select(n => (long)n).ToList())], "gold", "answered"));
        var pairs = labels.SelectMany((gold, r) => labels.Select((answer, c) => (gold, answer, Rows: r == c ? 0 : confusion[r][c])))
            .Where(p => p.Rows > 0).OrderByDescending(p => p.Rows).Take(ShownPairs).ToList();
        if (pairs.Count > 0)
            page.Table(["Gold", "Answered instead", "Rows"], pairs.Select(p => (IReadOnlyList<string?>)[p.gold, p.answer, Count(p.Rows)]));
    }

    private static void Reliability(HtmlReport page, IReadOnlyList<ReliabilityBin> bins)
    {
        var filled = bins.Where(b => b.Rows > 0).ToList();
        var axis = new SvgAxis("probability of the answer", 0, 1);
        page.Heading("Are its probabilities right?")
            .Chart(SvgChart.Lines(
                axis,
                new SvgAxis("share of right answers", 0, 1),
                [new SvgLine("this model", [.. filled.Select(b => (b.Probability, b.Accuracy))])],
                new SvgLine("as claimed", [(0, 0), (1, 1)])))
            .Note("A point for each of 15 ranges of probability. Below the dashed line the model claims more than comes true.")
            .Table(
                ["Probability", "Rows", "Mean probability", "Right"],
                filled.Select(b => (IReadOnlyList<string?>)[
                    $"{Figure(b.Low)} to {Figure(b.High)}", Count(b.Rows), Figure(b.Probability), Share(b.Accuracy)
                ]));
    }

    private static void Risk(HtmlReport page, IReadOnlyList<RiskCoverage> curve)
    {
        var highest = Math.Max(0.05, curve.Max(p => p.Risk));
        page.Heading("What would abstaining gain?")
            .Chart(SvgChart.Lines(
                new SvgAxis("share of rows that are answered", 0, 1),
                SvgAxis.FromZero("share of these that are wrong", highest),
                [new SvgLine("this model", [.. curve.Select(p => (p.Coverage, p.Risk))])]))
            .Table(
                ["Abstain below", "Answered", "Wrong of these"],
                curve.Select(p => (IReadOnlyList<string?>)[
                    p.Threshold.ToString("0.00000", CultureInfo.InvariantCulture), Share(p.Coverage), Share(p.Risk)
                ]));
    }

    private static void Errors(HtmlReport page, IReadOnlyList<EvaluationError> errors)
    {
        page.Heading("Most confident errors").Table(
            ["Row", "Input", "Gold", "Answered", "Probability", "Teacher", "Rationale of the row", "Rationale of the student"],
            errors.Select(e => (IReadOnlyList<string?>)
                [e.Id, e.Text, e.Gold, e.Answered, Figure(e.Probability), e.TeacherLabel, e.Rationale, e.StudentRationale]));
    }

    private static void Rationales(HtmlReport page, RationaleFigures figures)
    {
        page.Heading("Rationales").Note("The student's own words, decoded apart from its label: not a proof of the label.");
        page.Figures(
        [
            ("ROUGE-L", figures.RougeL is { } rouge ? Figure(rouge) : "none"),
            ("rows with a rationale to compare", Count(figures.Compared)),
            ("mean words", figures.MeanWords.ToString("0.0", CultureInfo.InvariantCulture)), ("empty", Count(figures.Empty)),
        ]);
        page.Table(
            ["Row", "Input", "Gold", "Answered", "Student", "Teacher"],
            figures.Examples.Select(e => (IReadOnlyList<string?>)[e.Id, e.Text, e.Gold, e.Answered, e.Student, e.Teacher]));
    }

    private static string Range(ConfidenceInterval? interval, Func<double, string> format) =>
        interval is null ? "" : $" [{format(interval.Low)}, {format(interval.High)}]";

    private static string Count(int value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Figure(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Share(double value) => (100 * value).ToString("0.0", CultureInfo.InvariantCulture) + " %";

    private static string Signed(double value) => (100 * value).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);
}
