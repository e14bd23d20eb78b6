using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DistillOnnx.Cli.Tests;

/// <summary>A teacher on loopback: as much of OpenAI's protocol as a whole run needs, and one answer for everything.</summary>
internal sealed class LoopbackTeacher : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LoopbackTeacher(WebApplication app) => _app = app;

    /// <summary>The base address, with the version.</summary>
    public string Url => _app.Urls.First() + "/v1";

    /// <param name="label">The label of every answer.</param>
    public static async Task<LoopbackTeacher> StartAsync(string label)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var answer = JsonSerializer.Serialize(new { rationale = "Something does not work.", label });
        app.MapGet("/v1/models", () => Results.Json(new { data = new[] { new { id = "MODEL" }, new { id = "gpt-4o-mini" } } }));
        app.MapPost("/v1/chat/completions", () => Results.Json(new
        {
            id = "one",
            @object = "chat.completion",
            model = "gpt-4o-mini",
            choices = new[] { new { index = 0, finish_reason = "stop", message = new { role = "assistant", content = answer } } },
            usage = new { prompt_tokens = 90, completion_tokens = 12, total_tokens = 102 },
        }));
        await app.StartAsync();
        return new LoopbackTeacher(app);
    }

    /// <summary>A port that nobody listened on a moment ago, below those that systems give to outgoing connections.</summary>
    public int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 32_000);
            using var socket = new TcpListener(IPAddress.Loopback, port);
            try
            {
                socket.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken: the next one.
            }
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
