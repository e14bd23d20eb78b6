using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Interop;

/// <summary>Serves the page, onnxruntime-web and a bundle on loopback, opens the page in headless Chromium and takes its report.</summary>
internal static class BrowserPage
{
    /// <summary>What has to be installed for it; null where everything is there.</summary>
    public static string? Missing =>
        Chromium is null ? "no Chromium on the path"
        : InteropPaths.OnnxRuntimeWeb is null
            ? "onnxruntime-web is not installed: npm install --ignore-scripts in tests/Interop/transformersjs"
        : null;

    private static string? Chromium => ProgramPath.Find("chromium", "chromium-browser", "google-chrome");

    /// <summary>Runs the page.</summary>
    /// <param name="bundle">The bundle directory.</param>
    /// <param name="request">What the page runs: graph, input_ids, attention_mask, labels.</param>
    /// <param name="timeout">How long it may take.</param>
    public static async Task<JsonObject> RunAsync(string bundle, JsonObject request, TimeSpan timeout)
    {
        using var listener = new HttpListener();
        var port = FreePort();
        var address = $"http://127.0.0.1:{port}/";
        listener.Prefixes.Add(address);
        listener.Start();
        var profile = Directory.CreateTempSubdirectory("chromium").FullName;
        var start = new ProcessStartInfo(Chromium!) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])[
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", $"--user-data-dir={profile}", address
        ])
            start.ArgumentList.Add(argument);
        using var browser = Process.Start(start)!;
        browser.OutputDataReceived += (_, _) => { };
        browser.ErrorDataReceived += (_, _) => { };
        browser.BeginOutputReadLine();
        browser.BeginErrorReadLine();
        try
        {
            using var stop = new CancellationTokenSource(timeout);
            while (true)
            {
                var context = await listener.GetContextAsync().WaitAsync(stop.Token);
                if (context.Request.Url!.AbsolutePath == "/result")
                {
                    var body = await JsonNode.ParseAsync(context.Request.InputStream, cancellationToken: stop.Token);
                    context.Response.Close();
                    return body!.AsObject();
                }

                await ServeAsync(context, bundle, request, stop.Token);
            }
        }
        finally
        {
            browser.Kill(entireProcessTree: true);
            await browser.WaitForExitAsync();
            listener.Stop();
            Directory.Delete(profile, recursive: true);
        }
    }

    private static async Task ServeAsync(
        HttpListenerContext context, string bundle, JsonObject request, CancellationToken cancellationToken)
    {
        var path = context.Request.Url!.AbsolutePath;
        var (type, body) = path switch
        {
            "/" => ("text/html", await File.ReadAllBytesAsync(Path.Combine(InteropPaths.Page!, "index.html"), cancellationToken)),
            "/request.json" => ("application/json", System.Text.Encoding.UTF8.GetBytes(request.ToJsonString())),
            _ when path.StartsWith("/ort/", StringComparison.Ordinal) =>
                (Type(path), await ReadAsync(InteropPaths.OnnxRuntimeWeb!, path["/ort/".Length..], cancellationToken)),
            _ when path.StartsWith("/bundle/", StringComparison.Ordinal) =>
                (Type(path), await ReadAsync(bundle, path["/bundle/".Length..], cancellationToken)),
            _ => ("text/plain", null),
        };
        context.Response.StatusCode = body is null ? 404 : 200;
        context.Response.ContentType = type;
        if (body is not null) await context.Response.OutputStream.WriteAsync(body, cancellationToken);
        context.Response.Close();
    }

    private static async Task<byte[]?> ReadAsync(string root, string relative, CancellationToken cancellationToken)
    {
        var path = Path.Combine(root, relative);
        return File.Exists(path) ? await File.ReadAllBytesAsync(path, cancellationToken) : null;
    }

    private static string Type(string path) => Path.GetExtension(path) switch
    {
        ".mjs" or ".js" => "text/javascript",
        ".wasm" => "application/wasm",
        ".json" => "application/json",
        _ => "application/octet-stream",
    };

    private static int FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
