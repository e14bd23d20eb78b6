using System.Globalization;
using System.Text.Json.Nodes;
using DistillOnnx.Stages.Reports;

namespace DistillOnnx.Teacher;

/// <summary>The page that shows what came of an annotation: counts, costs, and rows of each kind as they came.</summary>
internal static class AnnotationReport
{
    private const int LongestCell = 1000;

    public static void Save(string path, AnnotateOptions options, AnnotateResult result, JsonObject examples)
    {
        var page = new HtmlReport($"Annotation by {options.Teacher}");
        page.Figures(
        [
            ("rows", Number(result.Rows ?? 0)),
            ("kept", Number(result.Kept ?? 0)),
            ("left", Number(result.Left ?? 0)),
            ("requests now", Number(result.Requests ?? 0)),
            ("tokens", $"{Number(result.InputTokens ?? 0)} + {Number(result.OutputTokens ?? 0)}"),
            ("of thoughts", result.ReasoningTokens is { } thoughts ? Number(thoughts) : "not counted"),
            ("cost", result.Cost is { } cost ? string.Create(CultureInfo.InvariantCulture, $"${cost:0.00}") : "unknown"),
        ]);
        if (AnnotationSummary.Incomplete(result, options) is { } incomplete)
            page.Warning($"{char.ToUpperInvariant(incomplete[0])}{incomplete[1..]}.");
        foreach (var (split, found) in result.Splits!)
        {
            page.Heading(split);
            var kinds = found.Dropped.Select(d => (d.Key, d.Value)).Prepend(("kept", found.Kept)).Append(("left", found.Left));
            page.Table(["rows", "count"], kinds.Select(k => (IReadOnlyList<string?>)[k.Item1, Number(k.Item2)]));
            if (found.TeacherAccuracy is { } accuracy)
                page.Paragraph(string.Create(
                    CultureInfo.InvariantCulture, $"The teacher agrees with {accuracy * 100:0.0} % of the gold labels."));
            if (found.Mapped > 0) page.Paragraph($"{found.Mapped} labels were found within the answer's words.");
            foreach (var (kind, rows) in examples[split] as JsonObject ?? [])
            {
                page.Note($"Examples: {kind}");
                page.Table(
                    ["id", "input", "gold", "teacher", "rationale", "fault", "raw answer"],
                    (rows as JsonArray ?? []).Select(r => (IReadOnlyList<string?>)[.. Cells(r!)]));
            }
        }

        page.Save(path);
    }

    private static IEnumerable<string?> Cells(JsonNode row) =>
        ((string[])[
            "id", "input", "label", "teacher_label", "rationale", "fault", "raw_answer"
        ]).Select(n => (string?)row[n] is { } text ? text.Length <= LongestCell ? text : text[..LongestCell] + "…" : null);

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
