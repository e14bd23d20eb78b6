using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DistillOnnx.Teacher.Tests;

/// <summary>An HTTP server on loopback that answers each request as a test says.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeServer(WebApplication app) => _app = app;

    /// <summary>The requests that came.</summary>
    public ConcurrentQueue<(string Path, JsonElement Body)> Seen { get; } = new();

    /// <summary>Headers of every answer.</summary>
    public Dictionary<string, string> Headers { get; } = [];

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Starts a server.</summary>
    /// <param name="answer">Gives status and body to the request's body; status 299 means a stream of events.</param>
    public static async Task<FakeServer> StartAsync(Func<JsonElement, (int Status, string Body)> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new FakeServer(builder.Build());
        server._app.Run(async context =>
        {
            var body = context.Request.ContentLength is > 0 || context.Request.Headers.TransferEncoding.Count > 0
                ? await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body)
                : default;
            server.Seen.Enqueue((context.Request.Path.Value!, body));
            var (status, text) = answer(body);
            foreach (var (name, value) in server.Headers) context.Response.Headers[name] = value;
            context.Response.StatusCode = status == 299 ? 200 : status;
            context.Response.ContentType = status == 299 ? "text/event-stream" : "application/json";
            await context.Response.WriteAsync(text);
        });
        await server._app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
