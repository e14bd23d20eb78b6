using System.Text;

namespace DistillOnnx.Teacher.Tests;

/// <summary>What is kept of answers in the shapes of today's models, and the page that says so.</summary>
/// <param name="runs">The annotations.</param>
public sealed class AnswerShapeTests(AnswerShapeRuns runs) : IClassFixture<AnswerShapeRuns>
{
    private const string Rewrite = "DISTILLONNX_UPDATE_ANSWERS_PAGE";

    public static TheoryData<int, string> Cases
    {
        get
        {
            var cases = new TheoryData<int, string>();
            for (var i = 0; i < AnswerShapes.All.Count; i++) cases.Add(i, AnswerShapes.All[i].Name);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Annotate_Shape_KeepsTheSameInEveryWayOfAsking(int index, string name)
    {
        var shape = AnswerShapes.All[index];
        Assert.Equal(name, shape.Name);
        var rationale = shape.Kept == "kept" ? shape.Rationale : null;
        Assert.All(AnswerShapeRuns.Modes, mode => Assert.Equal((shape.Kept, shape.Label, rationale), runs[mode, index]));
    }

    [Fact]
    public void Page_Table_IsWhatTheRunsKeep()
    {
        var path = Path.Combine(Root(), "src", "DistillOnnx.Teacher", "ANSWERS.md");
        var page = Page();
        if (Environment.GetEnvironmentVariable(Rewrite) == "1") File.WriteAllText(path, page);
        Assert.Equal(page, File.ReadAllText(path));
    }

    private string Page()
    {
        var page = new StringBuilder();
        page.Append("# What is kept of an answer\n\n");
        page.Append(
            "Shapes in which today's models answer, and what `annotate` keeps of each: free text of chat endpoints, JSON by schema, and\n");
        page.Append(
            $"lines of the Batch API's result files. The dots stand for the reasons \"{AnswerShape.Why}\"; \"reasons\" means that the\n");
        page.Append(
            "rationale is these words and nothing else. The task's labels are bug, question and feature_request; "
            + "answers are not asked for anew here\n");
        page.Append($"(`--parse-retries 0`). `AnswerShapeTests` makes this table and holds it; `{Rewrite}=1` has it written anew.\n\n");
        page.Append(
            $"| shape | answer | {string.Join(" | ", AnswerShapeRuns.Modes)} "
            + $"|\n|---|---|{string.Concat(AnswerShapeRuns.Modes.Select(_ => "---|"))}\n");
        foreach (var (i, shape) in AnswerShapes.All.Index())
        {
            var kept = AnswerShapeRuns.Modes.Select(mode => Kept(runs[mode, i]));
            page.Append($"| {shape.Name.Replace("|", "\\|", StringComparison.Ordinal)} | {Shown(shape)} | {string.Join(" | ", kept)} |\n");
        }

        return page.ToString();
    }

    private static string Kept((string Verdict, string? Label, string? Rationale) row)
    {
        if (row.Verdict != "kept") return row.Label is null ? row.Verdict : $"{row.Label}, {row.Verdict}";
        return $"{row.Label}, {(row.Rationale == AnswerShape.Why ? "reasons" : $"`` {Short(row.Rationale!)} ``")}";
    }

    private static string Short(string text) =>
        text.Replace(AnswerShape.Why, "…", StringComparison.Ordinal)
            .Replace("\n", "⏎", StringComparison.Ordinal)
            .Replace("|", "\\|", StringComparison.Ordinal);

    private static string Shown(AnswerShape shape)
    {
        var shown = shape.Content.Length == 0 ? "(nothing)" : $"`` {Short(shape.Content)} ``";
        return shape.Finish == "stop" ? shown : $"{shown} ({shape.Finish})";
    }

    private static string Root()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "DistillOnnx.sln"))) directory = Path.GetDirectoryName(directory)!;
        return directory;
    }
}
