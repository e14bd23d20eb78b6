using System.Net.Http.Json;
using System.Text.Json;
using DistillOnnx.Server.Fallback;
using DistillOnnx.Server.Tests.Conformance;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using Inference;

namespace DistillOnnx.Server.Tests.Fallback;

/// <summary>A teacher that answers what the model abstains from.</summary>
public sealed class FallbackTests
{
    private const string Label = "contradiction";

    private static readonly FakePredictor Student = new();
    private static readonly string[] Texts = [.. Enumerable.Range(0, 600).Select(i => $"text {i} of a caller")];
    private static readonly string[] Doubtful = [.. Texts.Where(t => Student.Answer(t).Abstained)];
    private static readonly string[] Sure = [.. Texts.Where(t => !Student.Answer(t).Abstained)];

    [Fact]
    public async Task Predict_AbstainedInput_IsAnsweredByTheTeacherOnceAndByItsJournalAfterwards()
    {
        await using var teacher = await LoopbackTeacher.StartAsync(Label);
        using var directory = new TemporaryDirectory();
        for (var run = 0; run < 2; run++)
        {
            await using var server = await TestServer.StartAsync(configure: o => o with { Teacher = Options(teacher, directory) });
            var answers = await server.Client.PredictAsync("nli", [Doubtful[0], Sure[0]], explain: true).WaitAsync(TestServer.Patience);

            Assert.Equal((Label, "teacher", false), (answers[0].Label, answers[0].AnsweredBy, answers[0].Abstained));
            Assert.Equal(Student.Answer(Doubtful[0]).Probabilities, answers[0].Probabilities);
            Assert.Equal(answers[0].Probabilities[answers[0].Labels.IndexOf(Label)], answers[0].Probability);
            Assert.Contains("to that effect", answers[0].Rationale, StringComparison.Ordinal);
            Assert.Equal((Student.Answer(Sure[0]).Label, "student"), (answers[1].Label, answers[1].AnsweredBy));
            Assert.Equal(FakePredictor.Rationale(Sure[0]), answers[1].Rationale);
        }

        Assert.Equal(1, teacher.Asked);
    }

    [Fact]
    public async Task EveryInterface_WithAFallback_SaysWhoAnswered()
    {
        await using var teacher = await LoopbackTeacher.StartAsync(Label);
        using var directory = new TemporaryDirectory();
        await using var server = await TestServer.StartAsync(configure: o => o with { Teacher = Options(teacher, directory) });
        Row[] rows = [new(Doubtful[0]), new(Sure[0])];

        using var json = await server.Http.PostAsync("/v1/models/nli:predict", new ByteArrayContent(Bodies.Json(rows))
        {
            Headers = { ContentType = new("application/json") },
        });
        using var rest = await server.Http.PostAsync("/v2/models/nli/infer", new ByteArrayContent(Bodies.Rest(rows)));
        var grpc = await new GRPCInferenceService.GRPCInferenceServiceClient(server.Channel).ModelInferAsync(
            Bodies.Tensors(rows, "nli", raw: false), deadline: DateTime.UtcNow + TestServer.Patience);
        var metadata = await server.Http.GetFromJsonAsync<JsonElement>("/v2/models/nli");

        string[] expected = ["teacher", "student"];
        var predictions = (await json.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("predictions").EnumerateArray();
        Assert.Equal(expected, predictions.Select(p => p.GetProperty("answeredBy").GetString()!));
        var outputs = (await rest.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("outputs").EnumerateArray()
            .ToDictionary(o => o.GetProperty("name").GetString()!, o => o.GetProperty("data"));
        Assert.Equal(expected, outputs["answered_by"].EnumerateArray().Select(p => p.GetString()!));
        Assert.Equal([false, false], outputs["abstained"].EnumerateArray().Select(p => p.GetBoolean()));
        Assert.Equal(
            expected,
            grpc.Outputs.Single(o => o.Name == "answered_by").Contents.BytesContents.Select(b => b.ToStringUtf8()));
        Assert.Contains("answered_by", metadata.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Predict_TeacherThatDoesNotAnswerInTime_GivesTheAbstentionAndKeepsTheAnswerForLater()
    {
        await using var teacher = await LoopbackTeacher.StartAsync(Label);
        using var directory = new TemporaryDirectory();
        var held = new TaskCompletionSource();
        teacher.Hold = held.Task;
        await using var server = await TestServer.StartAsync(
            configure: o => o with { Teacher = Options(teacher, directory) with { FallbackSeconds = 0.3 } });

        var late = await server.Client.PredictAsync("nli", Doubtful[0]).WaitAsync(TestServer.Patience);
        held.SetResult();
        await Wait.UntilAsync(() => Directory.EnumerateFiles(directory["journal"]).Any(f => new FileInfo(f).Length > 0));
        Prediction? kept = null;
        for (var i = 0; kept?.AnsweredBy != "teacher" && i < 100; i++)
            kept = await server.Client.PredictAsync("nli", Doubtful[0]).WaitAsync(TestServer.Patience);

        Assert.Equal((Student.Answer(Doubtful[0]).Label, true, "student"), (late.Label, late.Abstained, late.AnsweredBy));
        Assert.Equal((Label, "teacher"), (kept!.Label, kept.AnsweredBy));
        Assert.Equal(1, teacher.Asked);
    }

    [Theory]
    [InlineData(5, null, 5)]
    [InlineData(5, 60.0, 5)]
    [InlineData(5, 2.0, 1.75)]
    [InlineData(5, 0.5, 0.4)]
    [InlineData(5, -1.0, -0.8)]
    public void Patience_OfACall_EndsBeforeItsDeadline(double most, double? left, double expected) => Assert.Equal(
        expected,
        TeacherFallback.Patience(TimeSpan.FromSeconds(most), left is { } s ? TimeSpan.FromSeconds(s) : null).TotalSeconds,
        1e-6);

    [Fact]
    public async Task Predict_TeacherThatCannotBeAsked_GivesTheAbstentionAndIsLeftAlone()
    {
        await using var teacher = await LoopbackTeacher.StartAsync(Label);
        using var directory = new TemporaryDirectory();
        teacher.Status = 401;
        await using var server = await TestServer.StartAsync(configure: o => o with { Teacher = Options(teacher, directory) });

        foreach (var text in Doubtful)
        {
            var answer = await server.Client.PredictAsync("nli", text).WaitAsync(TestServer.Patience);
            Assert.Equal((true, "student"), (answer.Abstained, answer.AnsweredBy));
        }

        Assert.Equal(1, teacher.Asked);
    }

    [Fact]
    public async Task Predict_BudgetThatIsSpent_GivesTheAbstention()
    {
        await using var teacher = await LoopbackTeacher.StartAsync(Label);
        using var directory = new TemporaryDirectory();
        var options = Options(teacher, directory) with { FallbackBudget = 0 };
        await using var server = await TestServer.StartAsync(configure: o => o with { Teacher = options });

        var answer = await server.Client.PredictAsync("nli", Doubtful[0]).WaitAsync(TestServer.Patience);

        Assert.Equal((true, 0), (answer.Abstained, teacher.Asked));
    }

    [Fact]
    public async Task Collect_WithAFallback_KeepsWhatTheTeacherSaid()
    {
        await using var teacher = await LoopbackTeacher.StartAsync(Label);
        using var directory = new TemporaryDirectory();
        await using (var server = await TestServer.StartAsync(configure: o => o with
        {
            Teacher = Options(teacher, directory),
            Collecting = new CollectOptions { Collect = directory["kept"] },
        }))
            await server.Client.PredictAsync("nli", [Doubtful[0], Sure[0]]).WaitAsync(TestServer.Patience);

        var line = Assert.Single(Directory.EnumerateFiles(directory["kept/nli"], "rows-*.jsonl").SelectMany(File.ReadLines));
        var row = JsonDocument.Parse(line).RootElement;
        Assert.Equal(Doubtful[0], row.GetProperty("input").GetString());
        Assert.Equal(Student.Answer(Doubtful[0]).Label, row.GetProperty("student_label").GetString());
        Assert.True(row.GetProperty("abstained").GetBoolean());
        Assert.Equal(Label, row.GetProperty("teacher_label").GetString());
        Assert.Contains("to that effect", row.GetProperty("rationale").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt-4o-mini", true, "fallback: expected openai:MODEL@URL")]
    [InlineData("rules", true, "fallback: rules")]
    [InlineData("openai:gpt-4o-mini@http://127.0.0.1:1/v1", false, "fallback needs fallback-journal")]
    public void Validate_FallbackAtFault_SaysWhat(string spec, bool withJournal, string expected)
    {
        using var directory = new TemporaryDirectory();
        var options = new ServerOptions
        {
            Model = [directory.Path],
            Teacher = new FallbackOptions { Fallback = spec, FallbackJournal = withJournal ? directory["journal"] : null },
        };

        Assert.StartsWith(expected, Assert.Single(options.Validate()), StringComparison.Ordinal);
    }

    private static FallbackOptions Options(LoopbackTeacher teacher, TemporaryDirectory directory) =>
        new() { Fallback = teacher.Spec, FallbackJournal = directory["journal"], FallbackSeconds = 20 };
}
