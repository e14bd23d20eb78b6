using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using DistillOnnx.Server.Tests.Fakes;

namespace DistillOnnx.Server.Tests.Interop;

/// <summary>Runs the programs of <c>scripts/samples</c> and those that its page names, as they are.</summary>
public sealed class SampleTests
{
    private const string Text = "a \"man\" sleeps,\tgröße 大小";

    private static readonly string Samples = Path.Combine(Repository.Root, "scripts", "samples");

    [Fact]
    public async Task Curl_JsonAndKserveRest_GiveTheInProcessAnswer()
    {
        const string Text = "a \"man\" \\ sleeps,\tgröße\r\n\u0001\u001f大小 & more\n";
        await using var server = await TestServer.StartAsync(configure: o => o with { ApiKeys = ["a=0123456789abcdef"] });
        Assert.SkipWhen(await Programs.RunAsync("curl", ["--version"], Samples) is null, "curl is not here");

        var run = await Programs.RunAsync(
            "bash", ["predict.sh", server.Address, "nli", Text], Samples, environment: ("DISTILLONNX_API_KEY", "0123456789abcdef"));
        var denied = await Programs.RunAsync("bash", ["predict.sh", server.Address, "nli", Text], Samples);

        Assert.True(run is { Code: 0 }, run?.Error);
        var lines = run!.Output.Split('\n');
        var expected = server.Predictor.Answer(Text);
        var json = JsonDocument.Parse(lines[0]).RootElement.GetProperty("predictions")[0];
        Assert.Equal(expected.Label, json.GetProperty("label").GetString());
        Assert.Equal(expected.Probability, json.GetProperty("probability").GetDouble());
        var outputs = JsonDocument.Parse(lines[1]).RootElement.GetProperty("outputs");
        Assert.Equal(expected.Label, outputs[0].GetProperty("data")[0].GetString());
        Assert.Equal((float)expected.Probability!, outputs[1].GetProperty("data")[0].GetSingle());
        Assert.Equal(expected.Abstained, outputs[2].GetProperty("data")[0].GetBoolean());
        Assert.NotEqual(0, denied!.Code);
    }

    [Fact]
    public async Task Python_KserveRest_GivesTheInProcessAnswers()
    {
        await using var server = await TestServer.StartAsync();
        Assert.SkipUnless(await Programs.RunAsync("python3", ["--version"], Samples) is { Code: 0 }, "python3 is not here");

        var run = await Programs.RunAsync("python3", ["predict.py", server.Address, "nli", Text, "two dogs"], Samples);
        var missing = await Programs.RunAsync("python3", ["predict.py", server.Address, "other", Text], Samples);

        Assert.True(run is { Code: 0 }, run?.Error);
        var lines = run!.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(2, lines.Count);
        foreach (var (line, text) in lines.Zip((string[])[Text, "two dogs"]))
        {
            var expected = server.Predictor.Answer(text);
            Assert.Equal(expected.Label, line.GetProperty("label").GetString());
            Assert.Equal((float)expected.Probability!, line.GetProperty("probability").GetSingle());
            var probabilities = line.GetProperty("probabilities").EnumerateArray().Select(p => p.GetSingle());
            Assert.Equal(expected.Probabilities!.Select(p => (float)p), probabilities);
            Assert.Equal(expected.Abstained, line.GetProperty("abstained").GetBoolean());
        }

        Assert.Equal((2, "404: no model is named \"other\""), (missing!.Code, missing.Error.Trim()));
    }

    [Fact]
    public async Task Node_Grpc_GivesTheInProcessAnswer()
    {
        using var directory = await Programs.GrpcJsAsync();
        await using var server = await TestServer.StartAsync();
        var protos = ("PROTOS", Path.Combine(Repository.Root, "protos"));
        var address = new Uri(server.Address).Authority;

        var run = await Programs.RunAsync("node", ["predict.js", address, "nli", Text], directory.Path, environment: protos);
        var missing = await Programs.RunAsync("node", ["predict.js", address, "other", Text], directory.Path, environment: protos);

        Assert.True(run is { Code: 0 }, run?.Error);
        var answer = JsonDocument.Parse(run!.Output).RootElement;
        var expected = server.Predictor.Answer(Text);
        Assert.Equal(expected.Label, answer.GetProperty("label").GetString());
        Assert.Equal(expected.Abstained, answer.GetProperty("abstained").GetBoolean());
        Assert.Equal(
            FakePredictor.Labels.Zip(expected.Probabilities!).Select(p => $"{p.First} {p.Second:R}"),
            answer.GetProperty("probabilities").EnumerateObject().Select(p => $"{p.Name} {p.Value.GetDouble():R}"));
        Assert.Equal((2, "NOT_FOUND: no model is named \"other\""), (missing!.Code, missing.Error.Trim()));
    }

    [Fact]
    public async Task CSharp_ClientLibrary_GivesTheInProcessAnswer()
    {
        await using var server = await TestServer.StartAsync();

        var run = await Programs.RunAsync(
            "dotnet", ["run", "--no-build", "-c", "Release", "predict.cs", "--", server.Address, "nli"], Path.GetDirectoryName(Samples)!,
            Text + "\n");
        Assert.SkipUnless(IsBuilt(run), "scripts/predict.cs is not built: dotnet build -c Release scripts/predict.cs");

        Assert.True(run is { Code: 0 }, run?.Error);
        var expected = server.Predictor.Answer(Text);
        var label = expected.Abstained ? "?" : expected.Label;
        Assert.Equal(
            string.Create(CultureInfo.InvariantCulture, $"{label}\t{expected.Probability:0.000}\t{Text}"), run!.Output.TrimEnd('\n'));
    }

    [Fact]
    public async Task CSharp_ClientLibraryInterruptedWhileItWaitsForALine_EndsAtOnce()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "signals to a group of processes need setsid");
        await using var server = await TestServer.StartAsync();
        using var over = new CancellationTokenSource(TestServer.Patience);
        // A suite that a script starts in the background has SIGINT ignored, and its children inherit that; env gives them the default.
        string[] command = ["dotnet", "run", "--no-build", "-c", "Release", "predict.cs", "--", server.Address, "nli"];
        using var process = Process.Start(new ProcessStartInfo("env", ["--default-signal=INT", "setsid", .. command])
        {
            WorkingDirectory = Path.GetDirectoryName(Samples)!,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            // As many lines as it sends at once: after their answers it waits for the next one.
            const int batch = 64;
            for (var i = 0; i < batch; i++) await process.StandardInput.WriteLineAsync($"{Text} {i}");
            await process.StandardInput.FlushAsync(over.Token);
            for (var i = 0; i < batch; i++)
            {
                if (await process.StandardOutput.ReadLineAsync(over.Token) is not null) continue;
                var error = await process.StandardError.ReadToEndAsync(over.Token);
                Assert.SkipUnless(IsBuilt(new Programs.Run(1, "", error)), "scripts/predict.cs is not built");
                Assert.Fail(error);
            }

            await Programs.RunAsync("kill", ["-INT", "--", $"-{process.Id}"], Samples);
            await process.WaitForExitAsync(over.Token);

            Assert.Equal(130, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task CSharp_InjectedPredictor_GivesTheInProcessAnswer()
    {
        using var bundles = new RealBundles();
        using var port = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        port.Start();
        var address = $"http://{port.LocalEndpoint}";
        port.Stop();
        using var over = new CancellationTokenSource(TestServer.Patience);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(over.Token);

        var running = Programs.RunAsync(
            "dotnet", ["run", "--no-build", "-c", "Release", "api.cs", "--", "--bundle", bundles.Directory(0), "--urls", address],
            Path.GetDirectoryName(Samples)!, stop: ended.Token);
        using var http = new HttpClient { BaseAddress = new Uri(address) };
        while (!running.IsCompleted)
        {
            try
            {
                using var ready = await http.GetAsync("/healthz", over.Token);
                if (ready.IsSuccessStatusCode) break;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(50, over.Token);
        }

        if (running.IsCompleted)
            Assert.SkipUnless(IsBuilt(await running), "scripts/api.cs is not built: dotnet build -c Release scripts/api.cs");
        using var response = await http.PostAsJsonAsync("/label", new[] { Text }, over.Token);
        var answer = (await response.Content.ReadFromJsonAsync<JsonElement>(over.Token))[0];
        await ended.CancelAsync();
        await running;

        var expected = bundles.Answer(0, Text);
        Assert.Equal(expected.Label, answer.GetProperty("label").GetString());
        Assert.Equal(expected.Probability!.Value, answer.GetProperty("probability").GetDouble(), 1e-4);
    }

    // Of a program that was not built the SDK finds no file to start.
    private static bool IsBuilt(Programs.Run? run) => run?.Error.Contains("trying to start process", StringComparison.Ordinal) != true;
}
