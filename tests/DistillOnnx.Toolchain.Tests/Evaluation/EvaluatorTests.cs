using System.Globalization;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
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
        Assert.Equal(
            "row 1: \"label\": expected one of a, b, c, found \"z\"",
            Assert.Throws<InputException>(() => Measure(student, ("a", "a"), ("z", "a"))).Message);
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

    [Fact]
    public void Measure_Errors_AreTheTenMostConfidentOnes()
    {
        // Every third row is right. Rows 1 and 2, 4 and 5 and so on share a probability and stay in their order.
        var rows = Enumerable.Range(0, 20).Select(i => new Example
        {
            Id = $"{i}",
            Input = string.Create(CultureInfo.InvariantCulture, $"{(i % 3 == 0 ? "a" : "b")} {0.4 + (i / 3 * 0.05):0.00}"),
            Label = "a",
            TeacherLabel = i == 19 ? "c" : null,
            Rationale = i == 19 ? "because" : null,
        }).ToList();
        var errors = new Measurement(Task, rows)
        {
            BatchSize = 7,
        }.Of(new SpokenAnswers(Task), TestContext.Current.CancellationToken).Errors!;

        Assert.Equal(["19", "16", "17", "13", "14", "10", "11", "7", "8", "4"], errors.Select(e => e.Id));
        Assert.Equal(new EvaluationError("19", "b 0.70", "a", "b", 0.7, "c", "because"), errors[0]);
        var json = ResultJson.ToNode(errors[1])!.AsObject();
        Assert.Equal(["id", "text", "gold", "answered", "probability"], json.Select(p => p.Key));
    }

    [Fact]
    public void Compare_SameRows_CountsWhatOnlyOneHasRight()
    {
        // The other student always answers a; this one what the row says. Of 10 rows, 1 is right with both, 8 with one, 1 with none.
        var rows = "aabbbbbbbc".Select((gold, i) =>
            new Example { Id = $"{i}", Input = i is 1 or 9 ? "b 0.5" : $"{gold} 0.5", Label = $"{gold}" }).ToList();
        using var always = new ConstantAnswer(Task, "a");
        using var student = new SpokenAnswers(Task);
        var answered = 0;
        var result = new Measurement(Task, rows) { BatchSize = 3, Answered = (_, _, _) => answered++ }
            .Compare(student, always, TestContext.Current.CancellationToken);

        Assert.Equal(0.8, result.Accuracy);
        Assert.Equal(10, answered);
        Assert.Equal(
            (0.2, 0.6, 7, 1),
            (result.Against!.Accuracy, result.Against.Difference, result.Against.OnlyThisRight, result.Against.OnlyOtherRight));
        // 2 · (1 + 8) / 2⁸
        Assert.Equal(18 / 256.0, result.Against.McnemarP, 12);
        Assert.Equal(
            ["accuracy", "difference", "difference_interval", "mcnemar_p", "only_this_right", "only_other_right"],
            ResultJson.ToNode(result)!["against"]!.AsObject().Select(p => p.Key));
    }

    private static EvaluateResult Measure(SpokenAnswers student, params (string? Gold, string Answer)[] rows) => new Measurement(
        Task,
        [.. rows.Select((r, i) => new Example { Id = $"{i}", Input = $"{r.Answer} 0.5", Label = r.Gold })])
    { BatchSize = 2 }
        .Of(student, TestContext.Current.CancellationToken);

    private static (double, double, double, int) Figures(JsonNode node) =>
        ((double)node["precision"]!, (double)node["recall"]!, (double)node["f1"]!, (int)node["support"]!);
}
