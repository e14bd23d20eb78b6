using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Server.Tests.Conformance;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Tests.Interop;

/// <summary>Programs that share no code with the server get the same whole answers by all interfaces that they speak.</summary>
public sealed partial class ForeignClientTests
{
    private static readonly TaskSpec Task = new()
    {
        Name = "nli",
        Kind = TaskKind.Labels,
        Labels = ["yes", "no", "maybe"],
        MaxInputTokens = 48,
    };

    private static readonly Row[] Rows =
    [
        new("a man sleeps"), new("größe 大小 🙂"), new("\"quotes\" and \\"), new(string.Join(' ', Enumerable.Repeat("many words", 200))),
    ];

    [Fact]
    public async Task GrpcJs_EveryGrpcCall_GivesTheWholeInProcessAnswers()
    {
        using var directory = await Programs.GrpcJsAsync();
        await using var bundle = await ServedBundle.StartAsync(Task, Rows);

        var run = await Programs.RunAsync(
            "node",
            [
                "client.js", Path.Combine(Repository.Root, "protos"), new Uri(bundle.Address).Authority, ServedBundle.Name,
                .. Rows.Select(r => r.Text),
            ],
            directory.Path);

        Assert.True(run is { Code: 0 }, run?.Error);
        var answer = JsonDocument.Parse(run!.Output).RootElement;
        Assert.True(answer.GetProperty("ready").GetBoolean());
        Assert.Equal(5, answer.GetProperty("missing").GetInt32());
        foreach (var call in (string[])["Predict", "PredictStream", "ModelInfer typed", "ModelInfer raw"])
            await CompareAsync(bundle, call, Bodies.OfJson(answer.GetProperty(call)));
    }

    [Fact]
    public async Task Curl_EveryHttpInterface_GivesTheWholeInProcessAnswers()
    {
        await using var bundle = await ServedBundle.StartAsync(Task, Rows);
        using var directory = new TemporaryDirectory();
        var infer = $"/v2/models/{ServedBundle.Name}/infer";
        var (binary, head) = Bodies.Binary(Rows);

        var json = await CurlAsync(
            bundle, directory, $"/v1/models/{ServedBundle.Name}:predict", Bodies.Json(Rows), "content-type: application/json");
        await CompareAsync(bundle, "JSON", Bodies.OfJson(JsonSerializer.Deserialize<JsonElement>(json.Body)));
        var rest = await CurlAsync(bundle, directory, infer, Bodies.Rest(Rows), "content-type: application/json");
        await CompareAsync(bundle, "KServe REST", Bodies.OfRest(JsonSerializer.Deserialize<JsonElement>(rest.Body), Rows.Length));
        var tensors = await CurlAsync(bundle, directory, infer, binary, $"{Bodies.HeaderLength}: {head}");
        var length = int.Parse(Length().Match(tensors.Headers).Groups[1].Value, CultureInfo.InvariantCulture);
        await CompareAsync(bundle, "KServe REST, binary", Bodies.OfBinary(tensors.Body, length, Rows.Length));
        var web = await CurlAsync(
            bundle, directory, "/distillonnx.v1.PredictionService/Predict", Bodies.Frame(Bodies.Message(Rows, ServedBundle.Name)),
            "content-type: application/grpc-web+proto");
        await CompareAsync(bundle, "gRPC-Web", Bodies.OfMessage(Unframe(web.Body)));
    }

    [Fact]
    public async Task Browser_FromAPageOfAnotherOrigin_GivesTheWholeInProcessAnswers()
    {
        var chromium = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(chromium is null, "no chromium on this machine");
        await using var pages = await TestServer.StartAsync();
        await using var bundle = await ServedBundle.StartAsync(Task, Rows, configure: o => o with { CorsOrigins = [pages.Address] });
        await using var browser = await Browser.StartAsync(chromium!);
        await browser.OpenAsync(pages.Address + "/healthz");
        await browser.UntilAsync($"location.origin === '{pages.Address}'");
        var infer = $"/v2/models/{ServedBundle.Name}/infer";
        var (binary, head) = Bodies.Binary(Rows);

        var json = await FetchAsync(
            browser, bundle, $"/v1/models/{ServedBundle.Name}:predict", Bodies.Json(Rows), ("content-type", "application/json"));
        await CompareAsync(bundle, "JSON", Bodies.OfJson(JsonSerializer.Deserialize<JsonElement>(json.Body)));
        var rest = await FetchAsync(browser, bundle, infer, Bodies.Rest(Rows), ("content-type", "application/json"));
        await CompareAsync(bundle, "KServe REST", Bodies.OfRest(JsonSerializer.Deserialize<JsonElement>(rest.Body), Rows.Length));
        var tensors = await FetchAsync(browser, bundle, infer, binary, (Bodies.HeaderLength, $"{head}"));
        await CompareAsync(
            bundle, "KServe REST, binary",
            Bodies.OfBinary(tensors.Body, int.Parse(tensors.Length, CultureInfo.InvariantCulture), Rows.Length));
        var web = await FetchAsync(
            browser, bundle, "/distillonnx.v1.PredictionService/Predict", Bodies.Frame(Bodies.Message(Rows, ServedBundle.Name)),
            ("content-type", "application/grpc-web+proto"));
        await CompareAsync(bundle, "gRPC-Web", Bodies.OfMessage(Unframe(web.Body)));
    }

    private static async Task CompareAsync(ServedBundle bundle, string name, WholeAnswer[] found)
    {
        var expected = await bundle.InProcess(Rows);
        Assert.Equal((name, Rows.Length), (name, found.Length));
        for (var i = 0; i < Rows.Length; i++) WholeAnswer.AssertSame(expected[i], found[i], $"{name}, row {i}");
    }

    private static async Task<(byte[] Body, string Headers)> CurlAsync(
        ServedBundle bundle, TemporaryDirectory directory, string path, byte[] body, string header)
    {
        await File.WriteAllBytesAsync(directory["sent"], body);
        var run = await Programs.RunAsync(
            "curl",
            [
                "-sS", "--fail-with-body", "-m", "20", "--data-binary", "@sent", "-H", header, "-D", "headers", "-o", "body",
                bundle.Address + path,
            ],
            directory.Path);
        Assert.SkipWhen(run is null, "curl is not here");
        Assert.True(run!.Code == 0, run.Error);
        return (await File.ReadAllBytesAsync(directory["body"]), await File.ReadAllTextAsync(directory["headers"]));
    }

    private static async Task<(byte[] Body, string Length)> FetchAsync(
        Browser browser, ServedBundle bundle, string path, byte[] body, (string Name, string Value) header)
    {
        var script = $$"""
            (() => {
              window.answer = undefined;
              const bytes = Uint8Array.from(atob('{{Convert.ToBase64String(body)}}'), c => c.charCodeAt(0));
              fetch('{{bundle.Address}}{{path}}', { method: 'POST', body: bytes, headers: { '{{header.Name}}': '{{header.Value}}' } })
                .then(async r => [r.status, r.headers.get('{{Bodies.HeaderLength}}'), new Uint8Array(await r.arrayBuffer())])
                .then(([status, length, body]) => {
                  window.answer = [status, length, btoa(Array.from(body, b => String.fromCharCode(b)).join(''))];
                })
                .catch(e => window.answer = [0, '', btoa(String(e))]);
            })()
            """;
        await browser.EvaluateAsync(script);
        await browser.UntilAsync("window.answer !== undefined");
        var (status, length) = (await browser.EvaluateAsync("window.answer[0]"), await browser.EvaluateAsync("window.answer[1]"));
        var received = Convert.FromBase64String((await browser.EvaluateAsync("window.answer[2]"))!);
        Assert.True(status == "200", $"{path}: {status}: {System.Text.Encoding.UTF8.GetString(received)}");
        return (received, length!);
    }

    /// <summary>The first message of an answer, before its trailers.</summary>
    private static PredictResponse Unframe(byte[] body)
    {
        Assert.Equal(0, body[0]);
        var length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(1));
        var trailers = System.Text.Encoding.ASCII.GetString(body.AsSpan(5 + length)).Replace(" ", "", StringComparison.Ordinal);
        Assert.Contains("grpc-status:0", trailers, StringComparison.OrdinalIgnoreCase);
        return PredictResponse.Parser.ParseFrom(body, 5, length);
    }

    [GeneratedRegex(Bodies.HeaderLength + @": (\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex Length();
}
