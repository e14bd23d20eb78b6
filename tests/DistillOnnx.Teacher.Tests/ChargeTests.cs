using System.Text.Json;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Teacher.Tests;

/// <summary>What endpoints report of answers that cannot be read counts in ledger and budget as any other.</summary>
public sealed class ChargeTests : AnnotationTest
{
    private const string Usage = """ "usage":{"prompt_tokens":100,"completion_tokens":30,"total_tokens":130} """;

    /// <summary>Provider, an answer that cannot be read, and how often it is asked for.</summary>
    public static TheoryData<string, int, string, int> Bodies { get; } = new()
    {
        { "openai:m@{0}/v1", 200, $$"""{"choices":[],{{Usage}}}""", 3 },
        { "openai:m@{0}/v1", 200, $$"""{ {{Usage}}, "choices":[{"message":{"content":"It is cu""", 3 },
        { "openai:m@{0}/v1", 500, $$"""{"error":{"message":"late"},{{Usage}}}""", 3 },
        { "openai:m@{0}/v1", 400, $$"""{"error":{"message":"flagged","code":"content_filter"},{{Usage}}}""", 1 },
        { "openai:m@{0}/v1", 299, $$"""data: {"choices":[{"delta":{"content":"It"} }],{{Usage}}}""" + "\n\n", 3 },
        { "azure:m@{0}", 200, $$"""{"choices":[],{{Usage}}}""", 3 },
        {
            "anthropic:m@{0}",
            200,
            """{"content":"nothing of the protocol","usage":{"input_tokens":90,"cache_read_input_tokens":10,"output_tokens":30}}""",
            3
        },
        { "ollama:m@{0}", 200, """{"message":"nothing of the protocol","done":true,"prompt_eval_count":100,"eval_count":30}""" + "\n", 3 },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Run_ChargedAnswerThatCannotBeRead_CountsInLedgerAndBudget(string teacher, int status, string body, int times)
    {
        TestData.Write(Work["data"], 1);
        await using var server = await FakeServer.StartAsync(_ => (status, body));
        var options = TestData.Options(Work["data"], string.Format(null, teacher, server.Url), Out) with
        {
            Structured = false,
            Retries = 2,
            Overwrite = true,
        };
        var fault = await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(options, Reporter.None));
        Assert.Equal((times, 0), (server.Seen.Count, Ledger("answers")));
        var result = Assert.IsType<AnnotateResult>(fault.Result);
        Assert.Equal((times, times - 1L, 0), (result.Requests, result.Retried, result.Answers));
        Assert.Equal((100 * times, 30 * times), (Ledger("input_tokens"), Ledger("output_tokens")));

        // What was lost is spent: the next run has nothing left.
        var spent = await Assert.ThrowsAsync<TeacherException>(() =>
            Annotator.RunAsync(options with { BudgetTokens = 130 * times + 50 }, Reporter.None));
        Assert.Contains("the budget is spent", spent.Message);
        Assert.Equal(times, server.Seen.Count);
    }

    [Fact]
    public async Task Run_BatchAnswersThatCannotBeRead_CountOnceEach()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var bad = true;
        endpoint.Batches.Body = q => bad && TestData.Number(q) == 3
            ? $$"""{"choices":[],{{Usage}}}"""
            : $$"""{"choices":[{"message":{"content":"{{TestData.Right(q)}}"},"finish_reason":"stop"}],{{Usage}}}""";
        var options = Options(endpoint) with { Batch = true, BatchPoll = 0.01, Overwrite = true };
        var result = await Annotator.RunAsync(options, Reporter.None);
        // The row is asked for in further jobs, each of which is charged, until three gave nothing.
        var jobs = endpoint.Batches.Charged.Count;
        Assert.Equal((5L, 1L, "unanswered", 100 * jobs), (result.Kept, result.Left, result.IncompleteReason, Ledger("input_tokens")));
        Assert.Equal((5, 6 + 3, 6 + 3), (Ledger("answers"), jobs, result.Requests));

        // A run that was killed before it noted its jobs as done receives their files again.
        var log = Work["out.journal/batches.jsonl"];
        File.WriteAllLines(log, File.ReadAllLines(log).Where(l => !l.Contains("done", StringComparison.Ordinal)));
        bad = false;
        var again = await Annotator.RunAsync(options, Reporter.None);
        Assert.Equal((6L, 10, 1000), (again.Kept, endpoint.Batches.Charged.Count, Ledger("input_tokens")));
    }

    [Fact]
    public async Task Run_StoppedWhileAChargedAnswerIsAskedForAgain_CountsIt()
    {
        TestData.Write(Work["data"], 1);
        var first = new TaskCompletionSource();
        await using var server = await FakeServer.StartAsync(_ =>
        {
            first.TrySetResult();
            return (200, $$"""{"choices":[],{{Usage}}}""");
        });
        using var stop = new CancellationTokenSource();
        var options = TestData.Options(Work["data"], $"openai:m@{server.Url}/v1", Out) with { Structured = false, RetryDelay = 60 };
        var run = Annotator.RunAsync(options, Reporter.None, stop.Token);
        await first.Task;
        // The answer is on its way; the repetition is a minute off, which the stop does not wait for.
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Contains("\"input_tokens\":100", File.ReadAllText(Work["out.journal/journal.jsonl"]));
    }

    private int Ledger(string name) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(Out, "annotation.json")))
            .RootElement.GetProperty("ledger").GetProperty(name).GetInt32();
}
