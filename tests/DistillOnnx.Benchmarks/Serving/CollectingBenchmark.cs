extern alias client;

using System.Diagnostics;
using System.Globalization;
using client::DistillOnnx.Client;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Benchmarks.Inference;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;
using DistillOnnx.Teacher.Tests;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>
/// What collecting every input, and a fallback for every second one, cost the calls that need neither: the same texts to three servers in
/// turn, and the latencies of those that the student answers itself.
/// </summary>
internal sealed class CollectingBenchmark : IBenchmark
{
    private const int CallersAtATime = 4;
    private const int TextsOfARound = 40;

    /// <inheritdoc/>
    public string Name => "collecting";

    /// <inheritdoc/>
    public async Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        using var student = SmallStudent.Create();
        using var predictor = BundlePredictor.Open(student.Directory, new RuntimeOptions { Device = "cpu", Threads = options.Threads });
        var random = new Random(7);
        var rounds = options.Quick ? 2 : 30;
        var texts = new ServingTexts(predictor).Of(
            [.. Enumerable.Range(0, (rounds + 1) * TextsOfARound).Select(_ => random.Next(12, 40))]);
        var doubts = Doubts(student.Directory, predictor, texts, cancellationToken);

        var work = Directory.CreateTempSubdirectory("collecting-").FullName;
        await using var teacher = await FakeEndpoint.StartAsync(
            _ => "It is what it is. So the answer is neutral.", latency: TimeSpan.FromMilliseconds(50), keepsBodies: false);
        try
        {
            var key = Path.Combine(work, "key");
            await File.WriteAllTextAsync(key, FakeEndpoint.Key, cancellationToken);
            string[] collect = ["--collect-share", "1", "--collect-rows-per-minute", "1000000", "--collect"];
            Served[] servers =
            [
                await Served.StartAsync("plain", student.Directory, options, [], cancellationToken),
                await Served.StartAsync(
                    "collecting", student.Directory, options, [.. collect, Path.Combine(work, "collected")], cancellationToken),
                await Served.StartAsync(
                    "collecting, fallback",
                    student.Directory,
                    options,
                    [
                        .. collect, Path.Combine(work, "collected-too"), "--fallback", teacher.Spec, "--fallback-journal",
                        Path.Combine(work, "journal"), "--fallback-api-key-file", key,
                    ],
                    cancellationToken),
            ];
            try
            {
                foreach (var (round, part) in texts.Chunk(TextsOfARound).Index())
                {
                    BenchmarkOptions.Say($"round {round} of {rounds}");
                    // The order changes, so that none is always the first on cold caches.
                    for (var i = 0; i < servers.Length; i++)
                    {
                        var server = servers[(round + i) % servers.Length];
                        var taken = await server.AskAsync(part, cancellationToken);
                        // The first round warms up.
                        if (round > 0) server.Sure.AddRange(taken.Where(t => !doubts.Contains(t.Text)).Select(t => t.Milliseconds));
                    }
                }

                await ReportAsync(result, servers, texts.Length, cancellationToken);
            }
            finally
            {
                foreach (var server in servers) server.Dispose();
            }
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }

        result.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"T5-small's shape, random weights, fp32, {options.Threads} threads, client and servers on one machine; "
            + $"{CallersAtATime} callers, {texts.Length} different texts of 12 to 39 tokens, of which the student abstains from "
            + $"{doubts.Count}. The servers get the same texts in turn; latencies are those of the other texts. "
            + $"The fallback is an endpoint on loopback that takes 50 ms; a caller that waits for it leaves the processor to the others, "
            + $"which is why their calls are faster there."));
        return result;
    }

    // The threshold is the middle of all probabilities, so that the student abstains from every second text.
    private static HashSet<string> Doubts(string bundle, BundlePredictor predictor, string[] texts, CancellationToken cancellationToken)
    {
        var sure = texts.Select(t => (Text: t, predictor.Predict([new PredictorInput(t)], cancellationToken)[0].Probability)).ToList();
        var threshold = sure.Select(s => s.Probability!.Value).Order().ElementAt(sure.Count / 2);
        (BundleManifest.Load(bundle) with { AbstainBelow = threshold }).Save(bundle);
        return [.. sure.Where(s => s.Probability < threshold).Select(s => s.Text)];
    }

    private static async Task ReportAsync(BenchmarkResult result, Served[] servers, int texts, CancellationToken cancellationToken)
    {
        var plain = Timing.Of(servers[0].Sure);
        foreach (var server in servers)
        {
            var timing = Timing.Of(server.Sure);
            var late = server.Sure.Order().ElementAt((int)(0.99 * (server.Sure.Count - 1)));
            result.Row(
                ("server", server.Name),
                ("median ms", timing.Median),
                ("p90 ms", timing.High),
                ("p99 ms", late),
                ("rows kept", await server.MetricAsync("distillonnx_collected_total", "kept", cancellationToken)),
                ("answers of the fallback", await server.MetricAsync("distillonnx_fallback_total", "answered", cancellationToken)),
                ("texts", texts));
            if (server == servers[0]) continue;
            var name = server.Name.Replace(", ", "_", StringComparison.Ordinal);
            result.Ratio($"{name}_over_plain_median", timing.Median / plain.Median);
            result.Ratio($"{name}_over_plain_p90", timing.High / plain.High);
        }
    }

    private sealed class Served(string name, ServerProcess process) : IDisposable
    {
        private readonly PredictionClient[] _clients = Callers.Connect(process.Address);

        public string Name => name;

        /// <summary>Milliseconds of the calls that the student answers itself.</summary>
        public List<double> Sure { get; } = [];

        public static async Task<Served> StartAsync(
            string name, string bundle, BenchmarkOptions options, string[] arguments, CancellationToken cancellationToken) =>
            new(name, await ServerProcess.StartAsync(bundle, options.Threads, arguments, cancellationToken));

        public async Task<IReadOnlyList<(string Text, double Milliseconds)>> AskAsync(string[] texts, CancellationToken cancellationToken)
        {
            var taken = new (string, double)[texts.Length];
            var next = -1;
            await Task.WhenAll(Enumerable.Range(0, CallersAtATime).Select(async caller =>
            {
                for (int i; (i = Interlocked.Increment(ref next)) < texts.Length;)
                {
                    var start = Stopwatch.GetTimestamp();
                    await _clients[caller % _clients.Length].PredictAsync("nli", texts[i], cancellationToken: cancellationToken);
                    taken[i] = (texts[i], Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }));
            return taken;
        }

        public Task<double> MetricAsync(string metric, string label, CancellationToken cancellationToken) =>
            process.MetricAsync(metric, label, cancellationToken);

        public void Dispose()
        {
            foreach (var client in _clients) client.Dispose();
            process.Dispose();
        }
    }
}
