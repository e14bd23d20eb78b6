using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>A teacher on loopback that speaks OpenAI's protocol: one label for everything, counted, and held where told to.</summary>
internal sealed class LoopbackTeacher : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _asked;

    private LoopbackTeacher(WebApplication app) => _app = app;

    /// <summary>The specification that names it.</summary>
    public string Spec => $"openai:gpt-4o-mini@{_app.Urls.First()}/v1";

    /// <summary>How often it was asked.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Completes before an answer is sent; null: at once.</summary>
    public Task? Hold { get; set; }

    /// <summary>The HTTP status of every answer.</summary>
    public int Status { get; set; } = StatusCodes.Status200OK;

    /// <param name="label">The label of every answer.</param>
    public static async Task<LoopbackTeacher> StartAsync(string label)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var teacher = new LoopbackTeacher(app);
        var answer = $"The text says something to that effect. So the answer is {label}.";
        app.MapPost("/v1/chat/completions", async () =>
        {
            Interlocked.Increment(ref teacher._asked);
            if (teacher.Hold is { } hold) await hold;
            return teacher.Status != StatusCodes.Status200OK
                ? Results.Json(new { error = new { message = "no such key" } }, statusCode: teacher.Status)
                : Results.Json(new
                {
                    id = "one",
                    @object = "chat.completion",
                    model = "gpt-4o-mini",
                    choices = new[] { new { index = 0, finish_reason = "stop", message = new { role = "assistant", content = answer } } },
                    usage = new { prompt_tokens = 90, completion_tokens = 12, total_tokens = 102 },
                });
        });
        await app.StartAsync();
        return teacher;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
