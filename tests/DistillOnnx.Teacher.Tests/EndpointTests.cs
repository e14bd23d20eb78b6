using System.Collections.Concurrent;
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

/// <summary>What endpoints refuse, and what they answer in place of an answer.</summary>
public sealed class EndpointTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ConcurrentQueue<JsonElement> _seen = new();

    [Fact]
    public async Task Run_ParametersRefusedWhileOtherRowsAreOnTheirWay_LosesNoRow()
    {
        const int rows = 8;
        var together = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var arrived = 0;
        await using var server = await StartAsync(async body =>
        {
            if (body.TryGetProperty("temperature", out _))
            {
                if (Interlocked.Increment(ref arrived) == rows) together.SetResult();
                await together.Task;
                return (400, Error("Unsupported value: 'temperature' does not support 0 with this model."));
            }

            if (body.TryGetProperty("max_tokens", out _))
                return (400, Error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."));
            return body.GetProperty("messages")[0].GetProperty("role").GetString() == "system"
                ? (400, Error("System role not supported"))
                : (200, Right(body));
        });
        var result = await RunAsync(server, rows, o => o with { Structured = false, Concurrency = rows, Timeout = 60 });
        Assert.Equal((rows, rows), (result.Splits!["train"].Kept, arrived));
    }

    [Theory]
    [InlineData(500, """{"error":{"message":"boom"}}""", 6, "HTTP 500: boom (6 attempts)")]
    [InlineData(200, """{"error":{"message":"Provider: overloaded","code":502}}""", 6, "with an error: Provider: overloaded (6 attempts)")]
    [InlineData(200, "<html><title>Please sign in</title></html>", 3, "<html><title>Please sign in</title></html>")]
    [InlineData(200, """{"id": "x", "choices": [""", 3, "(3 attempts)")]
    public async Task Run_EndpointThatNeverAnswers_IsAskedInOneFormAndNamesTheFault(int status, string answer, int each, string expected)
    {
        await using var server = await StartAsync(_ => Task.FromResult((status, answer)));
        var fault = await Assert.ThrowsAsync<TeacherException>(() => RunAsync(server, 4, o => o with { Retries = 5 }));
        Assert.Contains(expected, fault.Message);
        Assert.Equal(4 * each, _seen.Count);
        Assert.All(_seen, body => Assert.True(body.TryGetProperty("response_format", out _)));
    }

    [Fact]
    public async Task Run_HalfACharacterWithinTheAnswer_IsRead()
    {
        const string halves = "\\ud83d \\ud83d\\udc1b \\\\ud83d The last";
        await using var server = await StartAsync(
            body => Task.FromResult((200, Right(body).Replace("The last", halves, StringComparison.Ordinal))));
        var result = await RunAsync(server, 2, o => o with { Structured = false });
        Assert.Equal((2, 2), (result.Splits!["train"].Kept, _seen.Count));
        Assert.Contains(
            "\uFFFD \U0001F41B",
            JsonDocument.Parse(File.ReadLines(_directory["out/train.jsonl"]).First()).RootElement.GetProperty("rationale").GetString());
    }

    [Theory]
    [InlineData(4100, "too_long")]
    [InlineData(3900, "kept")]
    public async Task Run_RationaleOfFewEndlessWords_IsTooLong(int length, string verdict)
    {
        TestData.Write(_directory["data"], 1);
        var run = () => Annotator.RunAsync(
            TestData.Options(_directory["data"], "openai:m@http://127.0.0.1:9", _directory["out"]) with { Structured = false },
            new FixedTeacher($"It ends so {new string('w', length)}. So the answer is even.", 3, 5),
            TimeProvider.System,
            Reporter.None,
            TestContext.Current.CancellationToken);
        if (verdict == "kept") await run();
        else Assert.Contains(verdict, (await Assert.ThrowsAsync<TeacherException>(run)).Message);
        Assert.Contains($"\"{verdict}\"", File.ReadAllText(_directory["out/provenance.jsonl"]));
    }

    public void Dispose() => _directory.Dispose();

    private static string Error(string message) => JsonSerializer.Serialize(new { error = new { message } });

    private static string Right(JsonElement body)
    {
        var question = body.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;
        return JsonSerializer.Serialize(new
        {
            choices = new[] { new { message = new { content = TestData.Right(question) }, finish_reason = "stop" } },
        });
    }

    private async Task<AnnotateResult> RunAsync(WebApplication server, int rows, Func<AnnotateOptions, AnnotateOptions> change)
    {
        if (!Directory.Exists(_directory["data"])) TestData.Write(_directory["data"], rows);
        var url = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        var options = TestData.Options(_directory["data"], $"openai:m@{url}/v1", _directory["out"]);
        return await Annotator.RunAsync(change(options), Reporter.None, TestContext.Current.CancellationToken);
    }

    private async Task<WebApplication> StartAsync(Func<JsonElement, Task<(int Status, string Body)>> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            var body = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body);
            _seen.Enqueue(body);
            (context.Response.StatusCode, var text) = await answer(body);
            await context.Response.WriteAsync(text);
        });
        await app.StartAsync();
        return app;
    }
}
