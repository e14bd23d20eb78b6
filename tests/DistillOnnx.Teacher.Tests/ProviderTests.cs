using System.Text.Json;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Each provider's client against a loopback server with its protocol.</summary>
public sealed class ProviderTests : IDisposable
{
    private const string Key = "secret-key-of-mine";
    private readonly TemporaryDirectory _directory = new();
    private readonly List<(string Path, IHeaderDictionary Headers, JsonElement Body)> _seen = [];

    [Fact]
    public async Task Anthropic_Messages_GiveLabelThoughtsAndUsage()
    {
        var faults = new Queue<(int, string)>(
        [
            (529, """{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"""),
        ]);
        await using var server = await StartAsync(body => Answer(faults, JsonSerializer.Serialize(new
        {
            id = "msg_1",
            type = "message",
            role = "assistant",
            model = "claude-test",
            content = new object[] { new
            {
                type = "thinking",
                thinking = "Hmm.",
                signature = "s",
            }, new
            {
                type = "text",
                text = TestData.Right(
                    body.GetProperty("messages").EnumerateArray().Last().GetProperty("content")[0].GetProperty("text").GetString()!),
            } },
            stop_reason = "end_turn",
            stop_sequence = (string?)null,
            usage = new { input_tokens = 11, output_tokens = 7, cache_creation_input_tokens = 0, cache_read_input_tokens = 0 },
        })));
        var result = await RunAsync($"anthropic:claude-test@{Url(server)}");
        Assert.Equal((4L, 44L, 28L), (result.Splits!["train"].Kept, result.InputTokens!.Value, result.OutputTokens!.Value));
        Assert.All(_seen, s => Assert.Equal(Key, s.Headers["x-api-key"].ToString()));
        Assert.Equal(5, _seen.Count);
        Assert.Equal("claude-test", _seen[^1].Body.GetProperty("model").GetString());
        Assert.DoesNotContain(
            Directory.EnumerateFiles(_directory.Path, "*", SearchOption.AllDirectories).Select(File.ReadAllText),
            t => t.Contains(Key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ollama_Chat_GivesLabelAndUsageAndSetsTheContext()
    {
        await using var server = await StartAsync(body => (200, JsonSerializer.Serialize(new
        {
            model = "qwen",
            created_at = "2026-01-01T00:00:00Z",
            message = new
            {
                role = "assistant",
                content = TestData.Right(body.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!),
                thinking = "Hmm.",
            },
            done = true,
            done_reason = "stop",
            prompt_eval_count = 11,
            eval_count = 7,
        }) + "\n"));
        var result = await RunAsync($"ollama:qwen@{Url(server)}");
        Assert.Equal(
            (4L, 44L, 28L, 0.0), (result.Splits!["train"].Kept, result.InputTokens!.Value, result.OutputTokens!.Value, result.Cost!.Value));
        Assert.Equal("/api/chat", _seen[0].Path);
        Assert.Equal(4096, _seen[0].Body.GetProperty("options").GetProperty("num_ctx").GetInt32());
    }

    [Fact]
    public async Task Azure_Deployments_AreAskedByTheirPathAndKey()
    {
        await using var server = await StartAsync(body => (200, JsonSerializer.Serialize(new
        {
            model = "gpt",
            choices = new[] { new
            {
                finish_reason = "stop",
                message = new
                {
                    content = TestData.Right(body.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!),
                },
            } },
            usage = new { prompt_tokens = 11, completion_tokens = 7 },
        })));
        var result = await RunAsync($"azure:mine@{Url(server)}");
        Assert.Equal(4, result.Splits!["train"].Kept);
        Assert.Equal("/openai/deployments/mine/chat/completions", _seen[0].Path);
        Assert.Equal((Key, ""), (_seen[0].Headers["api-key"].ToString(), _seen[0].Headers.Authorization.ToString()));
    }

    [Fact]
    public async Task OpenAI_EndpointThatOnlyStreams_IsReadAsAStream()
    {
        await using var server = await StartAsync(body =>
        {
            if (!body.TryGetProperty("stream", out _))
                return (400, """{"error":{"message":"This model only supports stream mode, please set stream to true"}}""");
            var answer = TestData.Right(body.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!);
            var events = answer.Chunk(5)
                .Select(c => (object)new
                {
                    model = "m",
                    choices = new[] { new { delta = new { content = new string(c) }, finish_reason = (string?)null } },
                })
                .Append(new { choices = new[] { new { delta = new { content = "" }, finish_reason = "stop" } } })
                .Append(new { choices = Array.Empty<object>(), usage = new { prompt_tokens = 11, completion_tokens = 7 } });
            return (299, string.Concat(events.Select(e => $"data: {JsonSerializer.Serialize(e)}\n\n")) + "data: [DONE]\n\n");
        });
        var result = await RunAsync($"openai:m@{Url(server)}/v1");
        Assert.Equal((4L, 44L, 28L), (result.Splits!["train"].Kept, result.InputTokens!.Value, result.OutputTokens!.Value));
    }

    [Theory]
    [InlineData("anthropic:claude-test@", "ANTHROPIC_API_KEY")]
    [InlineData("azure:mine@", "AZURE_OPENAI_API_KEY")]
    [InlineData("ollama:qwen@", "HTTP 401")]
    public async Task Providers_WrongKey_IsOneLineWithoutTheKey(string spec, string expected)
    {
        await using var server = await StartAsync(_ =>
            (401, JsonSerializer.Serialize(new { error = new { type = "authentication_error", message = $"invalid key {Key}" } })));
        var fault = await Assert.ThrowsAsync<TeacherException>(() => RunAsync(spec + Url(server)));
        Assert.Contains(expected, fault.Message);
        Assert.DoesNotContain(Key, fault.Message);
        Assert.Single(_seen);
    }

    [Fact]
    public async Task Try_Rows_ShowsAllAndSavesNothing()
    {
        TestData.Write(_directory["data"], 4);
        var options = TestData.Options(_directory["data"], "openai:m@http://127.0.0.1:9", "") with { Try = 2 };
        var result = await Annotator.RunAsync(
            options,
            new FixedTeacher("<think>Hm.</think>It ends so. Answer: **even**", 3, 5),
            TimeProvider.System,
            Reporter.None,
            TestContext.Current.CancellationToken);
        Assert.Equal(2, result.Tried!.Count);
        Assert.Equal(
            ("Hm.", "It ends so.", "even", "kept"),
            (result.Tried[0].Thoughts, result.Tried[0].Rationale, result.Tried[0].Label, result.Tried[0].Verdict));
        Assert.StartsWith("<think>", result.Tried[0].RawAnswer);
        Assert.Single(Directory.EnumerateFileSystemEntries(_directory.Path));
    }

    [Fact]
    public async Task Report_OfARun_EscapesWhatCame()
    {
        TestData.Write(_directory["data"], 4);
        var options = TestData.Options(
            _directory["data"], "openai:m@http://127.0.0.1:9", _directory["out"]) with
        { Report = _directory["report.html"] };
        await Annotator.RunAsync(
            options,
            new FixedTeacher("It ends <script>so</script>. Answer: even", 3, 5),
            TimeProvider.System,
            Reporter.None,
            TestContext.Current.CancellationToken);
        var page = File.ReadAllText(options.Report);
        Assert.Contains("&lt;script&gt;so", page);
        Assert.DoesNotContain("<script>so", page);
    }

    public void Dispose() => _directory.Dispose();

    private static (int Status, string Body) Answer(Queue<(int, string)> faults, string body) =>
        faults.TryDequeue(out var fault) ? fault : (200, body);

    private static string Url(WebApplication server) =>
        server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    private async Task<AnnotateResult> RunAsync(string teacher)
    {
        TestData.Write(_directory["data"], 4);
        var options = TestData.Options(_directory["data"], teacher, _directory["out"]) with
        {
            ApiKey = Key,
            Concurrency = 1,
            RetryDelay = 0.01,
        };
        return await Annotator.RunAsync(
            options,
            Reporter.None,
            TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }

    // Status 299 means a stream of events.
    private async Task<WebApplication> StartAsync(Func<JsonElement, (int Status, string Body)> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            var body = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body);
            lock (_seen) _seen.Add(
                (
                    context.Request.Path.Value!,
                    new HeaderDictionary(context.Request.Headers.ToDictionary(h => h.Key, h => h.Value, StringComparer.OrdinalIgnoreCase)),
                    body));
            var (status, text) = answer(body);
            context.Response.StatusCode = status == 299 ? 200 : status;
            context.Response.ContentType = status == 299 ? "text/event-stream" : "application/json";
            await context.Response.WriteAsync(text);
        });
        await app.StartAsync();
        return app;
    }
}
