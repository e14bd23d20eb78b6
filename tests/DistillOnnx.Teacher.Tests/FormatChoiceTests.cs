using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Prompts;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Answers are asked for by schema where the endpoint takes one, and answers in the journal are used again.</summary>
public sealed class FormatChoiceTests : IDisposable
{
    private const string Refusal = """{"error":{"message":"'response_format' of type 'json_schema' is not supported with this model"}}""";
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Run_EndpointThatTakesASchema_IsAskedByIt()
    {
        TestData.Write(_directory["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(Json);
        var result = await Annotator.RunAsync(Options(endpoint), Reporter.None);
        Assert.Equal((6L, 6L, 6), (result.Splits!["train"].Kept, result.Requests!.Value, endpoint.Calls["/v1/chat/completions"]));
        Assert.Equal(6, Asked(endpoint, schema: true));
        Assert.Contains("\"json\"", File.ReadAllText(Remembered));

        // Answers in the journal record the form in which they were requested.
        File.Delete(Remembered);
        var again = await Annotator.RunAsync(Options(endpoint) with { Overwrite = true }, Reporter.None);
        Assert.Equal((6L, 0L, 6), (again.Splits!["train"].Kept, again.Requests!.Value, endpoint.Calls["/v1/chat/completions"]));
    }

    [Theory]
    [InlineData(Refusal)]
    [InlineData("""{"error":{"message":"bad request"}}""")]
    public async Task Run_EndpointThatRefusesTheSchema_IsAskedForTextAndNotAgainAfterARestart(string refusal)
    {
        TestData.Write(_directory["data"], 6);
        await using var endpoint = await StartAsync(refusal);
        var reporter = new RecordingReporter();
        var result = await Annotator.RunAsync(Options(endpoint) with { Limit = 3 }, reporter);
        Assert.Equal((3L, 4L, 3), (result.Splits!["train"].Kept, result.Requests!.Value, endpoint.Charged.Count));
        Assert.Equal((1, 3), (Asked(endpoint, schema: true), Asked(endpoint, schema: false)));
        Assert.Contains("free text", Assert.Single(reporter.Warnings));
        Assert.Contains("\"text\"", File.ReadAllText(Remembered));

        // Rows that are new, with no paid answer among them: only the file knows.
        File.Delete(_directory[$"out.journal/{Journal.FileName}"]);
        var rest = await Annotator.RunAsync(Options(endpoint) with { Overwrite = true }, Reporter.None);
        Assert.Equal((6L, 6L), (rest.Splits!["train"].Kept, rest.Requests!.Value));
        Assert.Equal(1, Asked(endpoint, schema: true));
    }

    [Fact]
    public async Task Run_OlderJournalOfFreeText_IsPaidOnceAndContinuesAsFreeText()
    {
        TestData.Write(_directory["data"], 8);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        await Annotator.RunAsync(Options(endpoint) with { Structured = false, Limit = 5 }, Reporter.None);
        Assert.False(File.Exists(Remembered));
        var result = await Annotator.RunAsync(Options(endpoint) with { Overwrite = true }, Reporter.None);
        Assert.Equal((8L, 3L, 8), (result.Splits!["train"].Kept, result.Requests!.Value, endpoint.Charged.Count));
        Assert.Equal(0, Asked(endpoint, schema: true));
        Assert.Contains("\"structured\": false", File.ReadAllText(_directory["out/dataset.json"]));
    }

    [Fact]
    public async Task Run_PlanPreviewTryAndBatch_FollowWhatIsKnown()
    {
        TestData.Write(_directory["data"], 6);
        await using var endpoint = await StartAsync(Refusal);
        var options = Options(endpoint);
        Assert.Contains("JSON", await PreviewAsync(options));
        Assert.DoesNotContain("JSON", await PreviewAsync(options with { Batch = true }));
        Assert.DoesNotContain("JSON", (await Annotator.RunAsync(options with { Try = 1 }, Reporter.None)).Tried![0].Prompt);
        Assert.False(Directory.Exists(_directory["out.journal"]));

        await Annotator.RunAsync(options with { Limit = 2 }, Reporter.None);
        Assert.DoesNotContain("JSON", await PreviewAsync(options));
        Assert.Equal(2, (await Annotator.RunAsync(options with { Plan = true }, Reporter.None)).Plan!.RequestsPaid);
    }

    [Fact]
    public async Task Run_FormsThatAreTheUsersOwn_StayFreeText()
    {
        TestData.Write(_directory["data"], 2);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        File.WriteAllText(
            _directory["own.json"], """{"instruction":"Say it.","question":"{input}","answer":"{rationale} So the answer is {label}."}""");
        await Annotator.RunAsync(Options(endpoint) with { Prompt = _directory["own.json"] }, Reporter.None);
        await Annotator.RunAsync(Options(endpoint) with { Style = PromptStyle.Completion, Overwrite = true }, Reporter.None);
        Assert.Equal((0, 4), (Asked(endpoint, schema: true), Asked(endpoint, schema: false)));
    }

    [Fact]
    public async Task Run_DamagedMemoryOfTheForm_IsOneLineNamingTheFile()
    {
        TestData.Write(_directory["data"], 2);
        await using var endpoint = await FakeEndpoint.StartAsync(Json);
        Directory.CreateDirectory(_directory["out.journal"]);
        File.WriteAllText(Remembered, "[1");
        var fault = await Assert.ThrowsAsync<InputException>(() => Annotator.RunAsync(Options(endpoint), Reporter.None));
        Assert.Contains(KnownFormats.FileName, fault.Message);
        Assert.False(endpoint.Calls.ContainsKey("/v1/chat/completions"));
    }

    public void Dispose() => _directory.Dispose();

    private string Remembered => _directory[$"out.journal/{KnownFormats.FileName}"];

    private AnnotateOptions Options(FakeEndpoint endpoint) => TestData.Options(_directory["data"], endpoint.Spec, _directory["out"]);

    private static async Task<string> PreviewAsync(AnnotateOptions options) =>
        (await Annotator.RunAsync(options with { Preview = 1 }, Reporter.None)).Preview![0].Messages[0].Text;

    private static string Json(string question)
    {
        var number = TestData.Number(question);
        return JsonSerializer.Serialize(new { rationale = $"The number {number} ends so.", label = number % 2 == 0 ? "even" : "odd" });
    }

    private static int Asked(FakeEndpoint endpoint, bool schema) =>
        endpoint.Bodies.Count(b => b.TryGetProperty("response_format", out _) == schema);

    private static Task<FakeEndpoint> StartAsync(string refusal) => FakeEndpoint.StartAsync(TestData.Right, refusesSchema: refusal);
}
