using System.Text.Json;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

public sealed class BatchTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Run_BatchApi_AsksInJobsAndWavesUntilAllIsAnswered()
    {
        TestData.Write(_directory["data"], 25);
        await using var endpoint = await FakeEndpoint.StartAsync(q => q.Contains("correct label is", StringComparison.Ordinal)
            ? TestData.Right(q[..q.IndexOf("(The", StringComparison.Ordinal)])
            : TestData.Say(TestData.Number(q), even: true));
        endpoint.Batches.FailEvery = 4;
        var result = await Annotator.RunAsync(Options(endpoint) with { Rationalize = true, BatchSize = 10 }, Reporter.None);
        Assert.True(result.Complete);
        Assert.Equal((25L, 12L, 37), (result.Splits!["train"].Kept, result.Splits["train"].Rationalized, (int)result.Answers!));
        Assert.InRange(result.Requests!.Value, 38, 60);
        Assert.Equal((37L * 5, 37L * 7), (result.InputTokens, result.OutputTokens));
        Assert.False(endpoint.Calls.ContainsKey("/v1/chat/completions"));
        Assert.True(endpoint.Batches.Jobs >= 4);
        Assert.Equal(37, endpoint.Batches.Charged.Distinct().Count());
        Assert.Equal(25, Dataset.Open(Options(endpoint).Out).Load("train").Count);
    }

    [Fact]
    public async Task Run_AfterAStopWhileAJobRuns_WaitsForThatJobAndPaysNothingTwice()
    {
        TestData.Write(_directory["data"], 20);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        endpoint.Batches.ChecksNeeded = int.MaxValue;
        using var stop = new CancellationTokenSource();
        var run = Annotator.RunAsync(Options(endpoint), Reporter.None, stop.Token);
        while (endpoint.Batches.Jobs == 0) await Task.Delay(1);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        endpoint.Batches.ChecksNeeded = 1;
        // The endpoint's list has newer jobs of others before it, which comes in pages.
        endpoint.Batches.AddForeign(5);

        // A kill between the job's beginning and the note of its name leaves the tag alone.
        var log = _directory["out.journal/batches.jsonl"];
        File.WriteAllText(log, File.ReadAllLines(log)[0] + "\n{\"tag\":");
        var result = await Annotator.RunAsync(Options(endpoint), Reporter.None);
        Assert.Equal(20, result.Splits!["train"].Kept);
        Assert.Equal((1 + 5, 20), (endpoint.Batches.Jobs, endpoint.Batches.Charged.Count));
    }

    [Fact]
    public async Task Run_FirstAnswersAllUnusable_StopsBeforeTheOthersArePaid()
    {
        TestData.Write(_directory["data"], 200);
        await using var endpoint = await FakeEndpoint.StartAsync(q => $"I cannot tell about {TestData.Number(q)}.");
        var fault = await Assert.ThrowsAsync<TeacherException>(() =>
            Annotator.RunAsync(Options(endpoint) with { ParseRetries = 0 }, Reporter.None));
        Assert.StartsWith("none of the first 20 answers can be used: train-0: ", fault.Message, StringComparison.Ordinal);
        Assert.All(Enumerable.Range(0, 3), i => Assert.Contains($"\"I cannot tell about {i}.\"", fault.Message, StringComparison.Ordinal));
        Assert.Equal((1, 20), (endpoint.Batches.Jobs, endpoint.Batches.Charged.Count));
    }

    [Fact]
    public async Task Run_OneOfTheFirstAnswersUsable_AsksTheOthers()
    {
        TestData.Write(_directory["data"], 60);
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
            TestData.Number(q) is > 0 and < 20 ? "I cannot tell." : TestData.Right(q));
        var result = await Annotator.RunAsync(Options(endpoint) with { ParseRetries = 0 }, Reporter.None);
        Assert.Equal((41L, 19L), (result.Splits!["train"].Kept, result.Splits["train"].Dropped["unparsable"]));
        Assert.Equal((2, 60), (endpoint.Batches.Jobs, endpoint.Batches.Charged.Count));
    }

    [Theory]
    [InlineData(null, "estimated from their texts")]
    [InlineData(100_000L, "the most that the budget reserved for them")]
    public async Task Run_AnswersWithoutACountOfTokens_CountAsReservedAndAreToldAfterARestartToo(long? budget, string count)
    {
        TestData.Write(_directory["data"], 10);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        endpoint.Batches.ChecksNeeded = int.MaxValue;
        endpoint.Batches.Body = question => JsonSerializer.Serialize(new
        {
            model = FakeEndpoint.Model,
            choices = new[] { new { finish_reason = "stop", message = new { content = TestData.Right(question) } } },
        });
        var options = Options(endpoint) with { MaxOutputTokens = 100, BudgetTokens = budget };
        using var stop = new CancellationTokenSource();
        var run = Annotator.RunAsync(options, Reporter.None, stop.Token);
        while (endpoint.Batches.Jobs == 0) await Task.Delay(1);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        endpoint.Batches.ChecksNeeded = 1;
        var again = new RecordingReporter();

        var result = await Annotator.RunAsync(options, again);

        Assert.Equal((10L, 10L, 10), (result.Requests, result.Splits!["train"].Kept, endpoint.Batches.Charged.Count));
        Assert.InRange(result.InputTokens!.Value, 10 * 20, 10 * 1000);
        if (budget is null) Assert.InRange(result.OutputTokens!.Value, 10 * 5, 10 * 40);
        else Assert.Equal(10 * 100, result.OutputTokens);
        Assert.Contains($"10 answers came without a count of their tokens: they count as {count}", again.Warnings);

        TestData.Write(_directory["more"], 12);
        var whole = new RecordingReporter();
        var fresh = await Annotator.RunAsync(options with { Data = _directory["more"], Out = _directory["fresh"] }, whole);

        Assert.InRange(fresh.InputTokens!.Value, 12 * 20, 12 * 1000);
        Assert.Contains($"12 answers came without a count of their tokens: they count as {count}", whole.Warnings);
    }

    public void Dispose() => _directory.Dispose();

    private AnnotateOptions Options(FakeEndpoint endpoint) =>
        TestData.Options(_directory["data"], endpoint.Spec, _directory["out"]) with { Batch = true, BatchPoll = 0.01 };
}
