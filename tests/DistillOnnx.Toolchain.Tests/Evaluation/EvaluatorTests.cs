using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Tests.Evaluation;

public sealed class EvaluatorTests
{
    private static readonly TaskSpec Task = new() { Name = "t", Kind = TaskKind.Labels, Labels = ["a", "b", "c"] };

    [Fact]
    public void Measure_ClosedSet_GivesFiguresByClassInTheTasksOrder()
    {
        // The student's own order of labels is another one than the dataset's.
        using var student = new SpokenAnswers(Task with { Labels = ["c", "b", "a"] });
        var result = Measure(student, ("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("c", "a"), ("c", "z"));

        Assert.Equal(0.5, result.Accuracy);
        Assert.Equal(WilsonInterval.Of(3, 6), result.AccuracyInterval);
        var json = ResultJson.ToNode(result)!;
        Assert.Equal("[[2,1,0],[0,1,0],[1,0,0]]", json["confusion"]!.ToJsonString());
        Assert.Equal("[0,0,1]", json["confusion_unlisted"]!.ToJsonString());
        Assert.Equal(["a", "b", "c"], json["classes"]!.AsObject().Select(c => c.Key));
        var classes = json["classes"]!;
        Assert.Equal((2 / 3.0, 2 / 3.0, 2 / 3.0, 3), Figures(classes["a"]!));
        Assert.Equal((0.5, 1, 2 / 3.0, 1), Figures(classes["b"]!));
        Assert.Equal((0, 0, 0, 2), Figures(classes["c"]!));
        Assert.Equal(4 / 9.0, (double)json["macro_f1"]!, 12);
        Assert.Equal(8 / 18.0, (double)json["weighted_f1"]!, 12);
        Assert.Equal("wilson", (string?)json["accuracy_interval"]!["method"]);
        Assert.Equal(result.LabelAccuracy!["a"], result.Classes!["a"].Recall);
    }

    [Fact]
    public void Measure_AnswersWithinTheSet_HaveNoUnlistedCount() =>
        Assert.False(ResultJson.ToNode(Measure(new SpokenAnswers(Task), ("a", "b")))!.AsObject().ContainsKey("confusion_unlisted"));

    [Fact]
    public void Measure_GoldThatIsMissingOrNoLabel_NamesTheRow()
    {
        using var student = new SpokenAnswers(Task);

        Assert.Equal("row 0: has no label to measure against", Assert.Throws<InputException>(() => Measure(student, (null, "a"))).Message);
        Assert.Equal("row 1: \"label\": expected one of a, b, c, found \"z\"", Assert.Throws<InputException>(() => Measure(student, ("a", "a"), ("z", "a"))).Message);
    }

    [Fact]
    public void Table_HasARowALabel_AndNamesWhatIsNeverFound()
    {
        // b is answered, wrongly; c never is.
        var result = Measure(new SpokenAnswers(Task), ("a", "a"), ("a", "b"), ("b", "a"), ("c", "a"));

        Assert.Equal("never answered: c; recall 0: b", EvaluationTable.Missed(result));
        Assert.Equal(
            [
                "label     precision  recall      f1  support",
                "a            0.3333  0.5000  0.4000        2",
                "b            0.0000  0.0000  0.0000        1",
                "c            0.0000  0.0000  0.0000        1",
                "macro                        0.1333        4",
                "weighted                     0.2000        4",
            ],
            EvaluationTable.Lines(result));
        Assert.Null(EvaluationTable.Missed(Measure(new SpokenAnswers(Task), ("a", "a"), ("b", "b"), ("c", "c"))));
    }

    internal static EvaluateResult Measure(SpokenAnswers student, params (string? Gold, string Answer)[] rows) => Evaluator.Measure(
        student,
        Task,
        [.. rows.Select((r, i) => new Example { Id = $"{i}", Input = $"{r.Answer} 0.5", Label = r.Gold })],
        2,
        Reporter.None,
        null,
        TestContext.Current.CancellationToken);

    private static (double, double, double, int) Figures(JsonNode node) =>
        ((double)node["precision"]!, (double)node["recall"]!, (double)node["f1"]!, (int)node["support"]!);
}
