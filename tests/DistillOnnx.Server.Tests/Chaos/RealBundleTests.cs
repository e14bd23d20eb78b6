using DistillOnnx.Core;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using Grpc.Core;
using Grpc.Net.Client;

namespace DistillOnnx.Server.Tests.Chaos;

/// <summary>The server over ONNX Runtime and bundles on disk.</summary>
public sealed class RealBundleTests
{
    // Rounding differs a little with what else is in a batch; the answers to two texts, or of two bundles, differ by far more.
    private const double Rounding = 1e-4;

    private static readonly string[] Texts = [.. Enumerable.Range(0, 60).Select(i => string.Concat(Enumerable.Range(0, 1 + (i % 17)).Select(j => (char)('a' + ((i * 7) + (j * j * 3)) % 26))) + $" {i}")];

    [Fact]
    public async Task Serve_NewBundlesEveryMomentUnderLoad_AnswersEachCallAsItsVersionDoesInProcess()
    {
        using var bundles = new RealBundles();
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["nli"]);
        bundles.Drop(0, folder["nli/1"]);
        var expected = Enumerable.Range(0, 2).Select(which => Texts.ToDictionary(t => t, t => bundles.Answer(which, t))).ToArray();
        Assert.All(Texts, t => Assert.True(Math.Abs(expected[0][t].Probabilities![0] - expected[1][t].Probabilities![0]) > 10 * Rounding));
        var options = new ServerOptions { ModelFolder = folder.Path, PollSeconds = 0.05, Urls = ["http://127.0.0.1:0"], LogLevel = Microsoft.Extensions.Logging.LogLevel.Critical };
        await using var host = await ServerHost.StartAsync(options, null, CancellationToken.None).WaitAsync(TestServer.Patience);
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(5));

        var callers = Enumerable.Range(0, 6).Select(id => CallAsync(host.Addresses[0], id, expected, over.Token)).ToArray();
        var bad = InvalidUtf8Async(host.Addresses[0], over.Token);
        await SwitchAsync(bundles, folder, over.Token);
        var seen = await Task.WhenAll(callers).WaitAsync(TestServer.Patience);
        await bad.WaitAsync(TestServer.Patience);

        Assert.All(seen, versions => Assert.DoesNotContain(versions, v => int.Parse(v, System.Globalization.CultureInfo.InvariantCulture) % 3 == 0));
        Assert.True(seen.SelectMany(v => v).Distinct().Count() >= 3, "too few switches for the test to mean anything");
        await host.StopAsync().WaitAsync(TestServer.Patience);
    }

    [Fact]
    public void Load_SpoiltBundle_IsRefusedByItsHashAndByItsGoldenRows()
    {
        using var bundles = new RealBundles();
        using var folder = new TemporaryDirectory();
        bundles.Drop(0, folder["spoilt"], spoil: true);
        bundles.Drop(0, folder["swapped"]);
        File.Copy(Path.Combine(bundles.Directory(1), "golden.jsonl"), folder["swapped/golden.jsonl"], overwrite: true);
        var loader = new BundleLoader(new ServerOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger<BundleLoader>.Instance);

        Assert.Contains("SHA-256", Assert.Throws<InputException>(() => loader.Load(folder["spoilt"], CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.Contains("row 1", Assert.Throws<InputException>(() => loader.Load(folder["swapped"], CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    /// <summary>Versions 2, 4, 5, 7 … are good, every third is spoilt; each takes the place of the one before.</summary>
    private static async Task SwitchAsync(RealBundles bundles, TemporaryDirectory folder, CancellationToken over)
    {
        for (var version = 2; !over.IsCancellationRequested; version++)
        {
            bundles.Drop(version % 2 == 0 ? 1 : 0, folder[$"nli/{version}"], spoil: version % 3 == 0);
            await Task.Delay(500, CancellationToken.None);
        }
    }

    private static async Task<HashSet<string>> CallAsync(string address, int id, IReadOnlyDictionary<string, Core.Prediction.LabelPrediction>[] expected, CancellationToken over)
    {
        var random = new Random(id);
        var versions = new HashSet<string>();
        using var client = new PredictionClient(new PredictionClientOptions { Addresses = [address], Deadline = TestServer.Patience });
        while (!over.IsCancellationRequested)
        {
            var request = new PredictRequest { Model = "nli" };
            for (var i = random.Next(1, 9); i > 0; i--) request.Inputs.Add(new PredictionInput { Text = Texts[random.Next(Texts.Length)] });
            var response = await client.PredictAsync(request, CancellationToken.None);
            versions.Add(response.Version);
            var which = int.Parse(response.Version, System.Globalization.CultureInfo.InvariantCulture) % 2 == 0 ? 1 : 0;
            for (var i = 0; i < request.Inputs.Count; i++)
            {
                var own = expected[which][request.Inputs[i].Text];
                for (var label = 0; label < own.Probabilities!.Count; label++)
                    Assert.Equal(own.Probabilities[label], response.Predictions[i].Probabilities[label], Rounding);
            }
        }

        return versions;
    }

    /// <summary>Messages whose text is not UTF-8, written by hand because no client library would.</summary>
    private static async Task InvalidUtf8Async(string address, CancellationToken over)
    {
        var bytes = Marshallers.Create(static (byte[] b) => b, static b => b);
        var method = new Method<byte[], byte[]>(MethodType.Unary, "distillonnx.v1.PredictionService", "Predict", bytes, bytes);
        byte[] message = [0x0A, 3, .. "nli"u8, 0x1A, 5, 0x0A, 3, 0xC3, 0x28, 0xFF];
        using var channel = GrpcChannel.ForAddress(address);
        while (!over.IsCancellationRequested)
        {
            var fault = await Assert.ThrowsAsync<RpcException>(async () =>
                await channel.CreateCallInvoker().AsyncUnaryCall(method, null, new CallOptions(deadline: DateTime.UtcNow + TestServer.Patience), message));
            Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
