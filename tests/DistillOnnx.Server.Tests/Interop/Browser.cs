using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Server.Tests.Interop;

/// <summary>A headless Chromium over its own DevTools protocol: enough of it to type and to read.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TemporaryDirectory _profile;
    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _patience = new(TestServer.Patience);
    private string? _session;
    private int _id;

    private Browser(Process process, TemporaryDirectory profile)
    {
        _process = process;
        _profile = profile;
    }

    public static async Task<Browser> StartAsync(string chromium)
    {
        var profile = new TemporaryDirectory();
        var start = new ProcessStartInfo(
            chromium,
            [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--user-data-dir=" + profile.Path,
                "about:blank",
            ])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        var browser = new Browser(Process.Start(start)!, profile);
        const string before = "DevTools listening on ";
        string? line;
        do
        {
            line = await browser._process.StandardError.ReadLineAsync(browser._patience.Token)
                ?? throw new InvalidOperationException("the browser ended");
        }
        while (!line.StartsWith(before, StringComparison.Ordinal));
        _ = browser._process.StandardError.ReadToEndAsync();
        await browser._socket.ConnectAsync(new Uri(line[before.Length..]), browser._patience.Token);
        return browser;
    }

    public async Task OpenAsync(string url)
    {
        var target = await SendAsync("Target.createTarget", new JsonObject { ["url"] = url });
        var attached = await SendAsync(
            "Target.attachToTarget", new JsonObject { ["targetId"] = target["targetId"]!.GetValue<string>(), ["flatten"] = true });
        _session = attached["sessionId"]!.GetValue<string>();
    }

    public async Task TypeAsync(string text) => await SendAsync("Input.insertText", new JsonObject { ["text"] = text });

    /// <summary>What a script gives, as text.</summary>
    public async Task<string?> EvaluateAsync(string script)
    {
        var answer = await SendAsync("Runtime.evaluate", new JsonObject { ["expression"] = $"String({script})", ["returnByValue"] = true });
        return answer["exceptionDetails"] is { } fault
            ? throw new InvalidOperationException(fault.ToJsonString())
            : answer["result"]!["value"]?.GetValue<string>();
    }

    /// <summary>Waits until a script gives true.</summary>
    public async Task UntilAsync(string script)
    {
        while (await EvaluateAsync($"Boolean(document.readyState === 'complete' && ({script}))") != "true")
            await Task.Delay(20, _patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _profile.Dispose();
        _patience.Dispose();
    }

    private async Task<JsonNode> SendAsync(string method, JsonObject parameters)
    {
        var message = new JsonObject { ["id"] = ++_id, ["method"] = method, ["params"] = parameters };
        if (_session is not null) message["sessionId"] = _session;
        await _socket.SendAsync(Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, true, _patience.Token);
        while (true)
        {
            var answer = await ReceiveAsync();
            if (answer["id"]?.GetValue<int>() != _id) continue;
            return answer["result"] ?? throw new InvalidOperationException(answer.ToJsonString());
        }
    }

    private async Task<JsonNode> ReceiveAsync()
    {
        using var text = new MemoryStream();
        var buffer = new byte[1 << 16];
        WebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(buffer, _patience.Token);
            text.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(text.ToArray()) ?? throw new JsonException("null");
    }
}
