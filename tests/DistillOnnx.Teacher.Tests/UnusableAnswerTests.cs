using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Teacher.Tests;

/// <summary>What becomes of rows whose answers cannot be used.</summary>
public sealed class UnusableAnswerTests : AnnotationTest
{
    [Fact]
    public async Task Run_AnswersOfNoUse_AreCountedByReason()
    {
        TestData.Write(Work["data"], 40);
        await using var endpoint = await FakeEndpoint.StartAsync(
            q => q.StartsWith("That answer cannot be used", StringComparison.Ordinal) ? "I do not know." : (TestData.Number(q) % 4) switch
            {
                0 => "I do not know.",
                1 => "So the answer is odd.",
                2 => string.Concat(Enumerable.Repeat("very ", 300)) + "So the answer is even.",
                _ => TestData.Right(q),
            },
            instead: q => q.StartsWith("That answer", StringComparison.Ordinal) ? null : TestData.Number(q) switch
            {
                3 => (400, """{"error":{"code":"content_filter","message":"flagged"}}"""),
                7 => (400, """{"error":{"code":"context_length_exceeded","message":"too long"}}"""),
                11 => (200, """{"choices":[{"finish_reason":"content_filter","message":{"content":null}}]}"""),
                15 => (200, """{"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"I cannot"}}]}"""),
                _ => null,
            });
        var result = await Annotator.RunAsync(Options(endpoint), Reporter.None);
        var split = result.Splits!["train"];
        Assert.Equal(
            (6L, 10L, 10L, 10L, 4L),
            (split.Kept, split.Dropped["unparsable"], split.Dropped["no_reasons"], split.Dropped["too_long"], split.Dropped["failed"]));
        Assert.True(result.Complete);
        Assert.Equal(40, Dataset.Open(Out).Load("train").Count);
        Assert.Equal(
            10, Lines("failed.jsonl").Count(f => f.TryGetProperty("raw_answer", out var raw) && raw.GetString() == "I do not know."));
        var failed = Lines("failed.jsonl").Where(f => !f.TryGetProperty("raw_answer", out _)).ToList();
        Assert.Equal(["train-3", "train-7", "train-11", "train-15"], failed.Select(f => f.GetProperty("id").GetString()));
        Assert.Contains("context_length_exceeded", failed[1].GetProperty("fault").GetString());
        // An answer that cannot be read is asked for once more, with what was wrong.
        Assert.Equal(
            10,
            endpoint.Bodies.Count(b => b.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!.StartsWith(
                "That answer cannot be used", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Run_NothingUsable_StopsEarlyAndShowsAnswersAsTheyCame()
    {
        TestData.Write(Work["data"], 200);
        await using var endpoint = await FakeEndpoint.StartAsync(_ => "I would rather not say.");
        var fault = await Assert.ThrowsAsync<TeacherException>(() =>
            Annotator.RunAsync(Options(endpoint) with { Concurrency = 1 }, Reporter.None));
        Assert.Contains("\"I would rather not say.\"", fault.Message);
        Assert.Equal(40, endpoint.Charged.Count);
        Assert.False(Directory.Exists(Out));
    }

    [Fact]
    public async Task Run_DropRowsWithNoneKept_FailsWithReasonsAndRawAnswersThere()
    {
        TestData.Write(Work["data"], 3);
        await using var endpoint = await FakeEndpoint.StartAsync(_ => "I would rather not say.");
        var options = Options(endpoint) with { DropRows = true, Report = Work["page.html"] };
        var fault = await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(options, Reporter.None));
        Assert.Contains("no row was kept (unparsable 3)", fault.Message);
        Assert.Equal((0L, 3L), (fault.Result!.Kept, fault.Result.Dropped));
        foreach (var name in (string[])["failed.jsonl", "provenance.jsonl"])
            Assert.All(Lines(name), l => Assert.Equal("I would rather not say.", l.GetProperty("raw_answer").GetString()));
        Assert.Equal((3, 3), (Lines("failed.jsonl").Count, Lines("provenance.jsonl").Count));
        Assert.Contains("I would rather not say.", File.ReadAllText(Path.Combine(Out, "annotation.json")));
        Assert.True(File.Exists(Work["page.html"]));
        Assert.False(File.Exists(Path.Combine(Out, "train.jsonl")));
    }

    [Fact]
    public async Task Run_OwnFormAndAnswerOfLineEnds_IsUnparsableInEveryRun()
    {
        TestData.Write(Work["data"], 3);
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
            q.StartsWith("That answer", StringComparison.Ordinal) || TestData.Number(q) == 0
                ? $"It is{new string('\n', 150_000)}hard to say."
                : $"It ends so.\nVerdict: {(TestData.Number(q) % 2 == 0 ? "even" : "odd")}");
        File.WriteAllText(
            Work["prompt.json"], """{"instruction":"","question":"{input}","answer":"{rationale}\nVerdict: {label}"}""");
        var options = Options(endpoint) with { Prompt = Work["prompt.json"], Overwrite = true };
        foreach (var requests in (long[])[4, 0])
        {
            var result = await Annotator.RunAsync(options, Reporter.None);
            Assert.Equal((2L, 1L), (result.Kept, result.Splits!["train"].Dropped["unparsable"]));
            Assert.Equal(requests, result.Requests);
        }
    }

    [Fact]
    public async Task Run_CutAnswers_AreAskedForOnceWithAHigherLimitAndNamed()
    {
        TestData.Write(Work["data"], 3);
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right,
            instead: _ => (
                200,
                """{"choices":[{"finish_reason":"length","message":{"content":null,"reasoning_content":"So the answer is even."}}]}"""));
        var fault = await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(Options(endpoint), Reporter.None));
        Assert.Contains("cut 3", fault.Message);
        Assert.Contains("--max-output-tokens 256", fault.Message);
        Assert.Equal([256, 256, 256, 1024, 1024, 1024], endpoint.Bodies.Select(b => b.GetProperty("max_tokens").GetInt32()).Order());
        Assert.Contains("1024 tokens", Lines("failed.jsonl")[0].GetProperty("fault").GetString());
    }

    [Fact]
    public async Task Run_FailedRows_AreAskedAgainByTheNextRun()
    {
        TestData.Write(Work["data"], 10);
        var filter = true;
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right, instead: q => filter && TestData.Number(q) < 4 ? (400, "{}") : null);
        Assert.Equal(4, (await Annotator.RunAsync(Options(endpoint), Reporter.None)).Splits!["train"].Dropped["failed"]);
        filter = false;
        var second = await Annotator.RunAsync(Options(endpoint) with { Overwrite = true }, Reporter.None);
        Assert.Equal((4, 10L), ((int)second.Requests!, second.Splits!["train"].Kept));
        Assert.Empty(Lines("failed.jsonl"));
    }

    [Fact]
    public async Task Run_Refusals_ArePaidOnceAndStopNoOtherRow()
    {
        TestData.Write(Work["data"], 60);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right, instead: q => TestData.Number(q) switch
        {
            0 or 59 => null,
            < 30 => (
                200,
                """{"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"I cannot\nhelp"}}],"""
                + "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}"),
            _ => (400, """{"error":{"code":"content_filter","message":"flagged"}}"""),
        });
        var options = Options(endpoint) with { MaxFailures = 5, Concurrency = 1 };
        var result = await Annotator.RunAsync(options, Reporter.None);
        Assert.Equal((2L, 58L), (result.Splits!["train"].Kept, result.Splits["train"].Dropped["failed"]));
        var charged = endpoint.Charged.Values.Sum(c => c.Input + c.Output);
        Assert.Equal(charged + 29 * 5, result.InputTokens + result.OutputTokens);
        Assert.Equal("the model refused: I cannot help", Lines("failed.jsonl")[0].GetProperty("fault").GetString());

        // A refusal that was paid for is not asked for again; one that cost nothing is.
        var calls = endpoint.Calls["/v1/chat/completions"];
        var again = await Annotator.RunAsync(options with { Overwrite = true }, Reporter.None);
        Assert.Equal((29L, 29), (again.Requests, endpoint.Calls["/v1/chat/completions"] - calls));
        Assert.Equal(58, again.Splits!["train"].Dropped["failed"]);
    }

    [Fact]
    public async Task Run_KeptAnswersOfNoUse_AreNamedWithTheWayToAskAgain()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(
            q => q.StartsWith("That answer", StringComparison.Ordinal) || TestData.Number(q) == 0 ? "I do not know." : TestData.Right(q),
            instead: q => q.StartsWith("That answer", StringComparison.Ordinal) ? null : TestData.Number(q) switch
            {
                1 => (200, """{"choices":[{"finish_reason":"content_filter","message":{"content":null}}]}"""),
                2 => (400, """{"error":{"code":"content_filter","message":"flagged"}}"""),
                _ => null,
            });
        var (first, second, third) = (new RecordingReporter(), new RecordingReporter(), new RecordingReporter());
        var options = Options(endpoint) with { Structured = false, Overwrite = true };
        await Annotator.RunAsync(options, first);
        var again = await Annotator.RunAsync(options, second);
        var more = await Annotator.RunAsync(options with { ParseRetries = 2 }, third);

        // The row that has no answer at all is asked by every run.
        Assert.Equal((1L, 2L), (again.Requests, more.Requests));
        Assert.Equal(3, Lines("failed.jsonl").Count);
        Assert.Equal(
            "2 rows have answers that cannot be used (unparsable 1, refused 1); these are kept in the journal and not asked for again; "
            + "--parse-retries 2 asks once more for those that are unparsable; \"import jsonl\" makes a dataset of "
            + $"{Path.Combine(Out, "failed.jsonl")}, to be annotated with another teacher or other options",
            Assert.Single(second.Warnings));
        Assert.Equal(second.Warnings[0], first.Warnings[^1]);
        Assert.Contains("--parse-retries 3", third.Warnings[^1]);
    }

    [Fact]
    public async Task Run_AnswerLeakedWithoutReasons_IsNoReasons()
    {
        TestData.Write(Work["data"], 4);
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
            TestData.Number(q) % 2 == 0 ? "Even, even and even. So the answer is even." : TestData.Right(q));
        var result = await Annotator.RunAsync(Options(endpoint), Reporter.None);
        Assert.Equal((2L, 2L), (result.Splits!["train"].Kept, result.Splits["train"].Dropped["no_reasons"]));
    }
}
