using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Teacher.Tests;

/// <summary>What endpoints refuse of a whole run, and how they slow it down.</summary>
public sealed class RunFaultTests : AnnotationTest
{
    [Fact]
    public async Task Run_RefusedParameters_AreLeftOutAfterTheFirstRefusal()
    {
        TestData.Write(Work["data"], 10);
        var refused = new Queue<string>(
        [
            """{"error":{"message":"Unsupported value: 'temperature' does not support 0 with this model.","param":"temperature"}}""",
            """{"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}}""",
            """{"error":{"message":"System role not supported"}}""",
        ]);
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right, instead: _ => refused.TryDequeue(out var body) ? (400, body) : null);
        var result = await Annotator.RunAsync(Options(endpoint) with { Concurrency = 1 }, Reporter.None);
        Assert.Equal((10L, 13), (result.Splits!["train"].Kept, endpoint.Calls["/v1/chat/completions"]));
        Assert.Equal((13L, 0L), (result.Requests, result.Retried));
        var last = endpoint.Bodies.Last();
        Assert.False(last.TryGetProperty("temperature", out _));
        Assert.Equal(256, last.GetProperty("max_completion_tokens").GetInt32());
        Assert.DoesNotContain(last.GetProperty("messages").EnumerateArray(), m => m.GetProperty("role").GetString() == "system");
        Assert.StartsWith("Give each text", last.GetProperty("messages")[0].GetProperty("content").GetString());
    }

    [Theory]
    [InlineData("Conversation roles must alternate user/assistant/user/assistant/...")]
    [InlineData("Only user and assistant roles are supported!")]
    public async Task Run_TemplateWithoutSystemRole_IsAskedWithOneMessage(string message)
    {
        TestData.Write(Work["data"], 3);
        var refused = new Queue<string>([$"{{\"error\":{{\"message\":\"{message}\"}}}}"]);
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right, instead: _ => refused.TryDequeue(out var body) ? (400, body) : null);
        var result = await Annotator.RunAsync(Options(endpoint) with { Concurrency = 1 }, Reporter.None);
        Assert.Equal((3L, 4), (result.Splits!["train"].Kept, endpoint.Calls["/v1/chat/completions"]));
        Assert.DoesNotContain(
            endpoint.Bodies.Last().GetProperty("messages").EnumerateArray(), m => m.GetProperty("role").GetString() == "system");
    }

    [Theory]
    [InlineData("m@127.0.0.1:8000/v1")]
    [InlineData("m@localhost:8000/v1")]
    [InlineData("m@gpuserver")]
    [InlineData("m@models.example.org")]
    [InlineData("m@HTTP//127.0.0.1")]
    [InlineData("m@httpserver:8000")]
    [InlineData("m@")]
    public async Task Run_TeacherAtAPlaceWithoutScheme_IsNotSentElsewhere(string rest) =>
        await Fails(TestData.Options(Work["data"], $"openai:{rest}", Out), "expected openai:MODEL@URL with", "http", $"openai:{rest}");

    [Theory]
    [InlineData("claude-test@20240620")]
    [InlineData("name@2024-01")]
    [InlineData("name@latest")]
    public void Parse_VersionAfterAnAtSign_IsOfTheName(string name) =>
        Assert.Equal(name, Clients.TeacherSpec.Parse($"openai:{name}").Model);

    [Fact]
    public async Task Run_OutputThatIsTheDataset_LeavesItAsItWas()
    {
        var data = Work["sets/data"];
        TestData.Write(data, 3);
        var before = File.ReadAllText(Path.Combine(data, "train.jsonl"));
        Directory.CreateSymbolicLink(Work["link"], Work["sets"]);
        foreach (var output in (string[])[data, $"{data}{Path.DirectorySeparatorChar}", Work["link/data"], Work["link"], Work["sets"]])
        {
            await Fails(
                TestData.Options(data, "openai:m@http://127.0.0.1:9", output) with { Overwrite = true },
                "--out: ",
                "is or holds the dataset");
        }

        await Fails(
            TestData.Options(Work["link/data"], "openai:m@http://127.0.0.1:9", data) with { Overwrite = true }, "is or holds the dataset");
        Assert.Equal(before, File.ReadAllText(Path.Combine(data, "train.jsonl")));
    }

    [Fact]
    public async Task Run_ReportWithoutDirectory_AsksNothing()
    {
        TestData.Write(Work["data"], 3);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        await Fails(Options(endpoint) with { Report = Work["nosuch/x.html"] }, "--report: there is no directory", Work["nosuch"]);
        Assert.Empty(endpoint.Bodies);
        await Annotator.RunAsync(Options(endpoint) with { Report = Path.Combine(Out, "x.html") }, Reporter.None);
        Assert.True(File.Exists(Path.Combine(Out, "x.html")));
    }

    [Fact]
    public async Task Run_ReportWithinTheOutput_IsReplacedWithItByTheSameReportAlone()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var options = Options(endpoint) with { Report = Path.Combine(Out, "x.html"), Limit = 2 };
        await Annotator.RunAsync(options, Reporter.None);
        await Annotator.RunAsync(options with { Limit = null, Overwrite = true }, Reporter.None);
        Assert.Contains("<b>6</b><span>kept</span>", File.ReadAllText(Path.Combine(Out, "x.html")));
        foreach (var other in (string?[])[null, Work["x.html"], Path.Combine(Out, "y.html")])
        {
            await Fails(
                options with { Overwrite = true, Report = other }, "holds x.html, which is no part of an output");
        }

        Assert.True(File.Exists(Path.Combine(Out, "x.html")));
    }

    [Fact]
    public async Task Run_ReportThatIsAFileOfTheDataset_IsRefused()
    {
        TestData.Write(Work["data"], 6);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var rows = Path.Combine(Work["data"], "train.jsonl");
        var before = File.ReadAllText(rows);

        await Fails(Options(endpoint) with { Report = rows, Overwrite = true }, $"{rows}: is read as well ({Work["data"]})");

        Assert.Equal(before, File.ReadAllText(rows));
    }

    [Fact]
    public async Task Run_EndpointThatTurnsAway_GetsEveryRowInTheEnd()
    {
        TestData.Write(Work["data"], 300);
        await using var endpoint = await FakeEndpoint.StartAsync(
            TestData.Right, gate: new RateGate(150, 10, retryAfter: false, TimeProvider.System));
        var result = await Annotator.RunAsync(
            Options(endpoint) with { Concurrency = 64, RetryDelay = 0.1 },
            Reporter.None).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        Assert.Equal(300, result.Splits!["train"].Kept);
        Assert.Equal((300, 0), (endpoint.Charged.Count, endpoint.Repeated.Count));
    }

    [Fact]
    public async Task Run_FaultOfTheWholeRun_IsOneClearLine()
    {
        TestData.Write(Work["data"], 10);
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
}
