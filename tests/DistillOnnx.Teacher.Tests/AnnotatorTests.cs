using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Prompts;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

public sealed class AnnotatorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Out => _directory["out"];

    [Fact]
    public async Task Run_OpenAIEndpoint_WritesADatasetWithProvenanceAndReport()
    {
        TestData.Write(_directory["data"], 20, 5, 3);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var result = await Annotator.RunAsync(Options(endpoint), Reporter.None);
        var written = Dataset.Open(Out);
        Assert.Equal(["train", "validation", "test"], written.Splits);
        Assert.All(written.Load("train").Concat(written.Load("validation")), r => Assert.Equal(r.Label, r.TeacherLabel));
        Assert.Equal("The last digit of 7 is 7.", written.Load("train")[7].Rationale);
        Assert.All(written.Load("test"), r => Assert.Null(r.Rationale));
        Assert.Equal(25, result.Requests);
        var provenance = Lines("provenance.jsonl");
        Assert.Equal(25, provenance.Count);
        Assert.Equal("kept", provenance[3].GetProperty("verdict").GetString());
        Assert.Equal(FakeEndpoint.Model, provenance[3].GetProperty("model").GetString());
        Assert.Equal(64, provenance[3].GetProperty("prompt_sha256").GetString()!.Length);
        Assert.Equal(1, provenance[3].GetProperty("vote_share").GetDouble());
        Assert.Empty(Lines("failed.jsonl"));
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Out).Select(File.ReadAllText), t => t.Contains(FakeEndpoint.Key, StringComparison.Ordinal));
        Assert.Contains("\"answers\": 25", File.ReadAllText(Path.Combine(Out, "annotation.json")));
    }

    [Fact]
    public async Task Run_SamplesThatDisagree_TakesTheMajorityAndKeepsItsShare()
    {
        TestData.Write(_directory["data"], 10);
        // Rows of more than 5 get their right label from two of three samples, the others from one.
        var asked = new System.Collections.Concurrent.ConcurrentDictionary<int, int>();
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
        {
            var number = TestData.Number(q);
            var sample = asked.AddOrUpdate(number, 0, (_, n) => n + 1);
            return TestData.Say(number, number % 2 == 0 == (number > 5 ? sample != 1 : sample == 1));
        });
        var result = await Annotator.RunAsync(Options(endpoint) with { Samples = 3, MinVoteShare = 0.5 }, Reporter.None);
        Assert.Equal(30, result.Requests);
        Assert.Equal(0.4, result.Splits!["train"].TeacherAccuracy);
        Assert.Equal(2.0 / 3, result.Splits["train"].MeanVoteShare!.Value, 9);
        Assert.All(Lines("provenance.jsonl"), p => Assert.Equal(0.666667, p.GetProperty("vote_share").GetDouble()));
        var strict = await Assert.ThrowsAsync<TeacherException>(() =>
            Annotator.RunAsync(Options(endpoint) with { Samples = 3, MinVoteShare = 0.9, Overwrite = true }, Reporter.None));
        Assert.Contains("no row was kept (disagreement 10)", strict.Message);
    }

    [Fact]
    public async Task Run_WrongTeacherLabels_AreRationalizedMarkedOrDropped()
    {
        TestData.Write(_directory["data"], 12);
        await using var endpoint = await FakeEndpoint.StartAsync(q => q.Contains("correct label is", StringComparison.Ordinal)
            ? TestData.Right(q[..q.IndexOf("(The", StringComparison.Ordinal)])
            : TestData.Say(TestData.Number(q), TestData.Number(q) % 3 != 0));
        var plain = await Annotator.RunAsync(Options(endpoint), Reporter.None);
        var wrong = Enumerable.Range(0, 12).Count(i => i % 3 != 0 != (i % 2 == 0));
        Assert.Equal((12 - wrong) / 12.0, plain.Splits!["train"].TeacherAccuracy!.Value, 9);

        var explained = await Annotator.RunAsync(Options(endpoint) with { Rationalize = true, Overwrite = true }, Reporter.None);
        Assert.Equal(
            (wrong, (long)wrong, 12L), ((int)explained.Requests!, explained.Splits!["train"].Rationalized, explained.Splits["train"].Kept));
        Assert.Equal(plain.Splits["train"].TeacherAccuracy, explained.Splits["train"].TeacherAccuracy);
        Assert.Equal(wrong, Lines("provenance.jsonl").Count(p => p.TryGetProperty("rationalized", out var r) && r.GetBoolean()));

        var strict = await Annotator.RunAsync(
            Options(endpoint) with { RequireAgreement = true, DropRows = true, Overwrite = true }, Reporter.None);
        Assert.Equal(0, strict.Requests);
        Assert.Equal(wrong, strict.Splits!["train"].Dropped["wrong"]);
        Assert.Equal(12 - wrong, Dataset.Open(Out).Load("train").Count);
    }

    [Fact]
    public async Task Run_AnswersOfNoUse_AreCountedByReason()
    {
        TestData.Write(_directory["data"], 40);
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
        TestData.Write(_directory["data"], 200);
        await using var endpoint = await FakeEndpoint.StartAsync(_ => "I would rather not say.");
        var fault = await Assert.ThrowsAsync<TeacherException>(() =>
            Annotator.RunAsync(Options(endpoint) with { Concurrency = 1 }, Reporter.None));
        Assert.Contains("\"I would rather not say.\"", fault.Message);
        Assert.Equal(40, endpoint.Charged.Count);
        Assert.False(Directory.Exists(Out));
    }

    [Fact]
    public async Task Run_CutAnswers_AreAskedForOnceWithAHigherLimitAndNamed()
    {
        TestData.Write(_directory["data"], 3);
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right,
            instead: _ => (
                200,
                """{"model":"m","choices":[{"finish_reason":"length","message":{"content":null,"reasoning_content":"So the answer is even."}}]}"""));
        var fault = await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(Options(endpoint), Reporter.None));
        Assert.Contains("cut 3", fault.Message);
        Assert.Contains("--max-output-tokens 256", fault.Message);
        Assert.Equal([256, 256, 256, 1024, 1024, 1024], endpoint.Bodies.Select(b => b.GetProperty("max_tokens").GetInt32()).Order());
        Assert.Contains("1024 tokens", Lines("failed.jsonl")[0].GetProperty("fault").GetString());
    }

    [Fact]
    public async Task Run_RefusedParameters_AreLeftOutAfterTheFirstRefusal()
    {
        TestData.Write(_directory["data"], 10);
        var refused = new Queue<string>(
        [
            """{"error":{"message":"Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.","param":"temperature","code":"unsupported_value"}}""",
            """{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}}""",
            """{"error":{"message":"System role not supported"}}""",
        ]);
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right, instead: _ => refused.TryDequeue(out var body) ? (400, body) : null);
        var result = await Annotator.RunAsync(Options(endpoint) with { Concurrency = 1 }, Reporter.None);
        Assert.Equal((10L, 13), (result.Splits!["train"].Kept, endpoint.Calls["/v1/chat/completions"]));
        var last = endpoint.Bodies.Last();
        Assert.False(last.TryGetProperty("temperature", out _));
        Assert.Equal(256, last.GetProperty("max_completion_tokens").GetInt32());
        Assert.DoesNotContain(last.GetProperty("messages").EnumerateArray(), m => m.GetProperty("role").GetString() == "system");
        Assert.StartsWith("Give each text", last.GetProperty("messages")[0].GetProperty("content").GetString());
    }

    [Fact]
    public async Task Run_FailedRows_AreAskedAgainByTheNextRun()
    {
        TestData.Write(_directory["data"], 10);
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
        TestData.Write(_directory["data"], 60);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right, instead: q => TestData.Number(q) switch
        {
            0 or 59 => null,
            < 30 => (
                200,
                """{"model":"m","choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"I cannot\nhelp"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"""),
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
        Assert.Equal((0L, 29), (again.Requests, endpoint.Calls["/v1/chat/completions"] - calls));
        Assert.Equal(58, again.Splits!["train"].Dropped["failed"]);
    }

    [Fact]
    public async Task Run_EndpointThatTurnsAway_GetsEveryRowInTheEnd()
    {
        TestData.Write(_directory["data"], 300);
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right, gate: new RateGate(150, 10, retryAfter: false, TimeProvider.System));
        var result = await Annotator.RunAsync(
            Options(endpoint) with { Concurrency = 64, RetryDelay = 0.1 },
            Reporter.None).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        Assert.Equal(300, result.Splits!["train"].Kept);
        Assert.Equal((300, 0), (endpoint.Charged.Count, endpoint.Repeated.Count));
    }

    [Fact]
    public async Task Run_SeveralModelsInOneJournal_AreEachCountedAtTheirPrice()
    {
        TestData.Write(_directory["data"], 4);
        File.WriteAllText(
            _directory["prices.json"], """{"models":{"one":{"input":1000000,"output":0},"two":{"input":0,"output":1000000}}}""");
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var options = Options(endpoint) with { Prices = _directory["prices.json"], Overwrite = true };
        foreach (var model in (string[])["one", "two"])
        {
            await Annotator.RunAsync(
                options with { Teacher = $"openai:{model}@{endpoint.Url}" },
                new FixedTeacher("It ends so. So the answer is even.", 3, 5),
                TimeProvider.System,
                Reporter.None);
        }

        var ledger = JsonDocument.Parse(File.ReadAllText(Path.Combine(Out, "annotation.json"))).RootElement.GetProperty("ledger");
        Assert.Equal(
            (8, 24, 40, 32.0),
            (
                ledger.GetProperty("answers").GetInt32(),
                ledger.GetProperty("input_tokens").GetInt32(),
                ledger.GetProperty("output_tokens").GetInt32(),
                ledger.GetProperty("cost").GetDouble()));
        Assert.Equal(
            (12.0, 20.0),
            (
                ledger.GetProperty("models").GetProperty("one").GetProperty("cost").GetDouble(),
                ledger.GetProperty("models").GetProperty("two").GetProperty("cost").GetDouble()));
        await Fails(options with { Teacher = $"openai:{FakeEndpoint.Model}@{endpoint.Url}", Budget = 1 }, "--budget", "does not know");
    }

    [Fact]
    public async Task Run_AnswerLeakedWithoutReasons_IsNoReasons()
    {
        TestData.Write(_directory["data"], 4);
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
            TestData.Number(q) % 2 == 0 ? "Even, even and even. So the answer is even." : TestData.Right(q));
        var result = await Annotator.RunAsync(Options(endpoint), Reporter.None);
        Assert.Equal((2L, 2L), (result.Splits!["train"].Kept, result.Splits["train"].Dropped["no_reasons"]));
    }

    [Fact]
    public async Task Run_FaultOfTheWholeRun_IsOneClearLine()
    {
        TestData.Write(_directory["data"], 10);
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right, instead: q => (400, """{"error":{"message":"bad parameter"}}"""));
        await Fails(
            Options(endpoint) with { ApiKey = "a-wrong-key-of-mine" },
            "HTTP 401",
            "invalid_api_key",
            "DISTILL_ANNOTATE_API_KEY",
            "provided: …");
        await Fails(Options(endpoint) with { Teacher = $"openai:other@{endpoint.Url}" }, "HTTP 404", "\"other\"");
        await Fails(Options(endpoint) with { Teacher = "openai:m@http://127.0.0.1:9" }, "cannot be reached");
        await Fails(Options(endpoint) with { Teacher = "openai:m@http://no-such-host.invalid" }, "no-such-host.invalid");
        await Fails(Options(endpoint) with { Teacher = "openai:m@http://me:secret@127.0.0.1:9" }, "does not belong in the URL");
        await Fails(Options(endpoint) with { Teacher = "genai:nowhere" }, "genai_config.json");
        await Fails(Options(endpoint) with { Teacher = "magic:x" }, "openai:MODEL@URL");
        await Fails(Options(endpoint) with { Budget = 1 }, "--prices");
        await Fails(Options(endpoint) with { Shard = "3/3", Samples = 0 }, "--shard", "--samples");
        await Fails(Options(endpoint) with { Teacher = "", Out = "" }, "--teacher is required", "--out is required");
        var stopped = await Assert.ThrowsAsync<TeacherException>(() =>
            Annotator.RunAsync(Options(endpoint) with { MaxFailures = 3 }, Reporter.None));
        Assert.Contains("3 rows in succession failed", stopped.Message);
        Assert.Contains("bad parameter", stopped.Message);
        Assert.False(Directory.Exists(Out));
    }

    [Fact]
    public async Task Run_Budget_StopsBeforeItIsExceededAndResumesLater()
    {
        TestData.Write(_directory["data"], 100);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        File.WriteAllText(
            _directory["prices.json"], "{\"models\":{\"" + FakeEndpoint.Model + "\":{\"input\":1000000,\"output\":1000000}}}");
        var options = Options(endpoint) with { MaxOutputTokens = 20, Prices = _directory["prices.json"], Budget = 1000 };
        var first = await Annotator.RunAsync(options, Reporter.None);
        Assert.False(first.Complete);
        var spent = endpoint.Charged.Values.Sum(c => c.Input + c.Output);
        Assert.InRange(spent, 500, 1000);
        Assert.Equal(spent, first.Cost);
        Assert.Equal(100 - endpoint.Charged.Count, first.Left);
        var tokens = await Annotator.RunAsync(options with { Budget = null, BudgetTokens = spent, Overwrite = true }, Reporter.None);
        Assert.Equal(0, tokens.Requests);
        var rest = await Annotator.RunAsync(options with { Budget = 100_000, Overwrite = true }, Reporter.None);
        Assert.True(rest.Complete);
        Assert.Equal(100, endpoint.Charged.Count);
        Assert.Empty(endpoint.Repeated);
    }

    [Fact]
    public async Task Run_PlanPreviewAndOffline_AskNoRow()
    {
        TestData.Write(_directory["data"], 30);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        await Annotator.RunAsync(Options(endpoint) with { Limit = 10 }, Reporter.None);
        var options = Options(endpoint) with { Overwrite = true };
        var unnamed = await Annotator.RunAsync(options with { Plan = true, Out = "" }, Reporter.None);
        Assert.Equal((30L, 0L), (unnamed.Plan!.Requests, unnamed.Plan.RequestsPaid));
        var plan = (await Annotator.RunAsync(options with { Plan = true, RequestsPerMinute = 10 }, Reporter.None)).Plan!;
        Assert.Equal((30L, 30L, 10L), (plan.Rows, plan.Requests, plan.RequestsPaid));
        Assert.Equal(2, plan.Minutes);
        Assert.Contains("accepts the key", plan.Check);
        Assert.InRange(plan.InputTokens, 20 * 20, 20 * 200);
        Assert.Contains(
            "no model \"other\"",
            (await Assert.ThrowsAsync<InputException>(() =>
                Annotator.RunAsync(options with { Plan = true, Teacher = $"openai:other@{endpoint.Url}" }, Reporter.None))).Message);
        Assert.Contains(
            "401",
            (await Assert.ThrowsAsync<TeacherException>(() => Annotator.RunAsync(
                options with { Plan = true, ApiKey = "x" }, Reporter.None))).Message);

        var preview = (await Annotator.RunAsync(options with { Preview = 2, Out = "" }, Reporter.None)).Preview!;
        Assert.Equal(["train-0", "train-1"], preview.Select(p => p.Id));
        Assert.Equal(["system", "user"], preview[0].Messages.Select(m => m.Role));
        Assert.Contains("even, odd", preview[0].Messages[0].Text);
        Assert.Equal("Q: Is train 0 even or odd?\nA:", preview[0].Messages[1].Text);

        var offline = await Annotator.RunAsync(options with { Offline = true }, Reporter.None);
        Assert.Equal(
            (false, 10L, 20L), (offline.Complete!.Value, offline.Kept, offline.Left));
        Assert.Equal(10, endpoint.Calls["/v1/chat/completions"]);
    }

    [Fact]
    public async Task Run_StructuredAnswers_SendTheSchemaAndReadJson()
    {
        TestData.Write(_directory["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
            JsonSerializer.Serialize(new
            {
                rationale = $"The number {TestData.Number(q)} ends so.",
                label = TestData.Number(q) % 2 == 0 ? "even" : "odd",
            }));
        var result = await Annotator.RunAsync(Options(endpoint) with { Structured = true }, Reporter.None);
        Assert.Equal((6L, 1.0), (result.Splits!["train"].Kept, result.Splits["train"].TeacherAccuracy));
        Assert.True(endpoint.Bodies.TryDequeue(out var body));
        var schema = body.GetProperty("response_format").GetProperty("json_schema").GetProperty("schema");
        Assert.Equal(
            ["even", "odd"],
            schema.GetProperty("properties").GetProperty("label").GetProperty("enum").EnumerateArray().Select(e => e.GetString()));
    }

    [Fact]
    public async Task Run_CompletionStyle_SendsOneTextWithStops()
    {
        TestData.Write(_directory["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(q =>
            " " + TestData.Right(q) + "\n\nQ: Is 3 even or odd?\nA: So the answer is even.");
        File.WriteAllText(_directory["shots.jsonl"], """{"input":"Is 8 even or odd?","label":"even","rationale":"Eight is twice four."}""");
        var result = await Annotator.RunAsync(
            Options(endpoint) with { Style = PromptStyle.Completion, Exemplars = _directory["shots.jsonl"], Seed = 5, SendSeed = true },
            Reporter.None);
        Assert.Equal((6L, 1.0), (result.Splits!["train"].Kept, result.Splits["train"].TeacherAccuracy));
        Assert.Equal(6, endpoint.Calls["/v1/completions"]);
        Assert.True(endpoint.Bodies.TryDequeue(out var body));
        Assert.Contains(
            "Q: Is 8 even or odd?\nA: Eight is twice four. So the answer is even.\n\nQ: Is train", body.GetProperty("prompt").GetString());
        Assert.Equal("\n\nQ:", body.GetProperty("stop")[0].GetString());
        Assert.Equal(5, body.GetProperty("seed").GetInt32());
    }

    [Fact]
    public async Task Merge_AllParts_EqualsOneRunAndMissingOnesAreRefused()
    {
        TestData.Write(_directory["data"], 31, 7, 2);
        await using var endpoint = await FakeEndpoint.StartAsync(q => TestData.Number(q) % 5 == 0 ? "no" : TestData.Right(q));
        await Annotator.RunAsync(Options(endpoint) with { Out = _directory["whole"] }, Reporter.None);
        for (var i = 0; i < 3; i++)
            await Annotator.RunAsync(Options(endpoint) with { Out = _directory[$"part{i}"], Shard = $"{i}/3" }, Reporter.None);
        var merge = Options(endpoint) with { Merge = [_directory["part2"], _directory["part0"], _directory["part1"]] };
        var result = await Annotator.RunAsync(merge, Reporter.None);
        foreach (var name in (string[])["train.jsonl", "validation.jsonl", "test.jsonl", "provenance.jsonl", "failed.jsonl"])
            Assert.Equal(File.ReadAllText(_directory[$"whole/{name}"]), File.ReadAllText(Path.Combine(Out, name)));
        Assert.Equal(31, result.Splits!["train"].Rows);
        Assert.Equal(endpoint.Charged.Values.Sum(c => (long)c.Input), result.InputTokens!.Value);

        var again = merge with { Out = _directory["again"] };
        await Fails(again with { Merge = merge.Merge.Take(2).ToList() }, "part 1/3 is missing");
        await Fails(again with { Merge = [.. merge.Merge, merge.Merge[0]] }, "both part 2/3");
        await Fails(again with { Merge = [_directory["whole"]] }, "--shard I/N");
        var lines = File.ReadAllLines(_directory["part1/provenance.jsonl"]).ToList();
        File.WriteAllLines(_directory["part1/provenance.jsonl"], lines.Where((_, i) => i != 4));
        await Fails(again, "part1", "is missing or out of order");
        Assert.False(Directory.Exists(_directory["again"]));
    }

    public void Dispose() => _directory.Dispose();

    private AnnotateOptions Options(FakeEndpoint endpoint) => TestData.Options(_directory["data"], endpoint.Spec, Out);

    private List<JsonElement> Lines(string name) =>
        [.. File.ReadLines(Path.Combine(Out, name)).Select(l => JsonDocument.Parse(l).RootElement)];

    private static async Task Fails(AnnotateOptions options, params string[] expected)
    {
        // A key that is not accepted is no bad argument.
        var fault = await Record.ExceptionAsync(() => Annotator.RunAsync(options, Reporter.None));
        Assert.IsType(expected[0] == "HTTP 401" ? typeof(TeacherException) : typeof(InputException), fault);
        var message = fault.Message;
        Assert.DoesNotContain(message, char.IsControl);
        foreach (var part in expected) Assert.Contains(part, message);
        if (options.ApiKey is { Length: > 0 } key) Assert.DoesNotContain(key, message);
    }
}
