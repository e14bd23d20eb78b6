using System.Collections.Concurrent;
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

    private static readonly string[] Texts =
        [.. Enumerable.Range(0, 60).Select(i => $"{string.Concat(Enumerable.Range(0, 1 + (i % 17)).Select(j => Letter(i, j)))} {i}")];

    [Fact]
    public async Task Serve_NewBundlesEveryMomentUnderLoad_AnswersEachCallAsItsVersionDoesInProcess()
    {
        using var bundles = new RealBundles();
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["nli"]);
        bundles.Drop(0, folder["nli/1"]);
        var expected = Enumerable.Range(0, 2).Select(which => Texts.ToDictionary(t => t, t => bundles.Answer(which, t))).ToArray();
        Assert.All(Texts, t => Assert.True(Math.Abs(expected[0][t].Probabilities![0] - expected[1][t].Probabilities![0]) > 10 * Rounding));
        var options = new ServerOptions
        {
            ModelFolder = folder.Path,
            PollSeconds = 0.05,
            Urls = ["http://127.0.0.1:0"],
            LogLevel = Microsoft.Extensions.Logging.LogLevel.Critical,
        };
        await using var host = await ServerHost.StartAsync(options, null, CancellationToken.None).WaitAsync(TestServer.Patience);
        using var over = new CancellationTokenSource();
        var seen = new ConcurrentDictionary<string, bool>();

        var callers = Enumerable.Range(0, 6).Select(id => CallAsync(host.Addresses[0], id, expected, seen, over.Token)).ToArray();
        var bad = InvalidUtf8Async(host.Addresses[0], over.Token);
        Task[] all = [.. callers, bad];
        try
        {
            await SwitchAsync(bundles, folder, seen, all);
        }
        finally
        {
            await over.CancelAsync();
        }

        await Task.WhenAll(all).WaitAsync(TestServer.Patience);

        Assert.DoesNotContain(seen.Keys, v => int.Parse(v, System.Globalization.CultureInfo.InvariantCulture) % 3 == 0);
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

        Assert.Contains(
            "SHA-256",
            Assert.Throws<InputException>(() => loader.Load(folder["spoilt"], CancellationToken.None)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "row 1",
            Assert.Throws<InputException>(() => loader.Load(folder["swapped"], CancellationToken.None)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Predict_GraphThatAnswersWithNaN_FailsThatRowAndServesOn()
    {
        using var bundles = new RealBundles();
        NanWeights.SpoilTilde(bundles.Checkpoint(0), bundles.Directory(0));
        var options = new ServerOptions
        {
            Model = ["nli=" + bundles.Directory(0)],
            Urls = ["http://127.0.0.1:0"],
            LogLevel = Microsoft.Extensions.Logging.LogLevel.Critical,
        };
        await using var host = await ServerHost.StartAsync(options, null, CancellationToken.None).WaitAsync(TestServer.Patience);
        using var client = new PredictionClient(
            new PredictionClientOptions { Addresses = [host.Addresses[0]], Deadline = TestServer.Patience });
        var request = new PredictRequest { Model = "nli", Partial = true };
        request.Inputs.AddRange(new[] { "it is", "it ~ is", "it is not" }.Select(t => new PredictionInput { Text = t }));

        var response = await client.PredictAsync(request, CancellationToken.None);
        request.Partial = false;
        var fault = await Assert.ThrowsAsync<RpcException>(() => client.PredictAsync(request, CancellationToken.None));
        request.Inputs.RemoveAt(1);
        var after = await client.PredictAsync(request, CancellationToken.None);

        Assert.Equal([0, (int)StatusCode.Internal, 0], response.Predictions.Select(p => p.Error?.Code ?? 0));
        Assert.Equal(StatusCode.Internal, fault.StatusCode);
        Assert.Equal(2, after.Predictions.Count);
        Assert.All(after.Predictions, p => Assert.InRange(p.Probability, 1.0 / 3, 1));
        await host.StopAsync().WaitAsync(TestServer.Patience);
    }

    private static char Letter(int text, int position) => (char)('a' + (((text * 7) + (position * position * 3)) % 26));

    /// <summary>
    /// Versions 2, 4, 5, 7, 8 are good, every third is spoilt; each takes the place of the one before, and the next comes
    /// when it has answered.
    /// </summary>
    private static async Task SwitchAsync(
        RealBundles bundles, TemporaryDirectory folder, ConcurrentDictionary<string, bool> seen, Task[] callers)
    {
        for (var version = 2; version <= 8; version++)
        {
            var name = $"{version}";
            bundles.Drop(version % 2 == 0 ? 1 : 0, folder[$"nli/{name}"], spoil: version % 3 == 0);
            if (version % 3 != 0) await Wait.UntilAsync(() => seen.ContainsKey(name) || callers.Any(c => c.IsFaulted));
        }
    }

    private static async Task CallAsync(
        string address,
        int id,
        IReadOnlyDictionary<string, Core.Prediction.LabelPrediction>[] expected,
        ConcurrentDictionary<string, bool> seen,
        CancellationToken over)
    {
        var random = new Random(id);
        using var client = new PredictionClient(new PredictionClientOptions { Addresses = [address], Deadline = TestServer.Patience });
        while (!over.IsCancellationRequested)
        {
            var request = new PredictRequest { Model = "nli" };
            for (var i = random.Next(1, 9); i > 0; i--) request.Inputs.Add(new PredictionInput { Text = Texts[random.Next(Texts.Length)] });
            var response = await client.PredictAsync(request, CancellationToken.None);
            seen.TryAdd(response.Version, true);
            var which = int.Parse(response.Version, System.Globalization.CultureInfo.InvariantCulture) % 2 == 0 ? 1 : 0;
            for (var i = 0; i < request.Inputs.Count; i++)
            {
                var own = expected[which][request.Inputs[i].Text];
                for (var label = 0; label < own.Probabilities!.Count; label++)
                    Assert.Equal(own.Probabilities[label], response.Predictions[i].Probabilities[label], Rounding);
            }
        }
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
                await channel.CreateCallInvoker().AsyncUnaryCall(
                    method, null, new CallOptions(deadline: DateTime.UtcNow + TestServer.Patience), message));
            Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
