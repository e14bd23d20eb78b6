using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Benchmarks.Inference;
using DistillOnnx.Benchmarks.Serving;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace DistillOnnx.Benchmarks.Gpu;

/// <summary>
/// Labels on a GPU: what differs from the CPU, latency by batch and rows a second, in fp32 and fp16, in process and through the server.
/// The ratios are those of the precision that a GPU takes where nobody says: fp16.
/// </summary>
internal static class GpuLabels
{
    private const string Half = "fp16";

    public static async Task MeasureAsync(BenchmarkResult result, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var device = options.Device ?? "cuda:0";
        var chosen = device == "cpu" ? BundleManifest.FullPrecision : Half;
        var (tokens, batches) = options.Quick ? (32, new[] { 1, 4 }) : (128, [1, 16, 64]);
        using var student = options.Quick ? SmallStudent.Create(SmallStudent.Shallow, Half) : SmallStudent.Create(Half);
        var rates = new Dictionary<string, double>(StringComparer.Ordinal);
        IReadOnlyList<LabelPrediction>? expected = null;
        foreach (var precision in new[] { BundleManifest.FullPrecision, Half })
        {
            BenchmarkOptions.Say($"labels in {precision}");
            var open = Stopwatch.GetTimestamp();
            using var predictor = BundlePredictor.Open(
                student.Directory, new RuntimeOptions { Device = device, Precision = precision, BindRuns = true });
            result.Row(("labels", precision), ("what", "load"), ("ms", Stopwatch.GetElapsedTime(open).TotalMilliseconds));
            var texts = new ServingTexts(predictor);
            foreach (var batch in batches)
            {
                var inputs = texts.Of([.. Enumerable.Repeat(tokens, batch)]).Select(t => new PredictorInput(t)).ToArray();
                var first = Stopwatch.GetTimestamp();
                predictor.Predict(inputs, cancellationToken);
                var firstMs = Stopwatch.GetElapsedTime(first).TotalMilliseconds;
                var time = Interleaved.Measure(
                    [("label", () => predictor.Predict(inputs, cancellationToken))], options.Quick ? 3 : 100, warmup: 3,
                    cancellationToken)["label"];
                if (batch == 1 && precision == chosen) result.Ratio("label_b1_ms", time.Median);
                result.Row(
                    ("labels", precision), ("batch", batch), ("tokens", tokens), ("first call of the shape ms", firstMs),
                    ("median ms", time.Median), ("p90 ms", time.High));
            }

            var (sample, source) = texts.Esnli(options.SharedData, options.Quick ? 64 : 16384);
            var rows = sample.Select(t => new PredictorInput(t)).ToArray();
            expected ??= Expected(student.Directory, rows, options, cancellationToken);
            Compare(result, precision, expected, predictor.Predict([.. rows.Take(expected.Count)], cancellationToken));

            // Once for the first call of each shape, then for the rate.
            predictor.Predict(rows, cancellationToken);
            var begin = Stopwatch.GetTimestamp();
            predictor.Predict(rows, cancellationToken);
            rates[precision] = rows.Length / Stopwatch.GetElapsedTime(begin).TotalSeconds;
            result.Row(("labels", precision), ("what", $"bulk of {rows.Length} rows, {source}"), ("rows/s", rates[precision]));
            foreach (var note in predictor.Bundle.Notes) result.Note(note);
            if (precision != chosen) continue;
            await MeasureServerAsync(
                result, student.Directory, device, precision, texts.Of([tokens])[0], sample, rates[precision], options, cancellationToken);
        }

        result.Ratio("labels_per_s", rates[chosen]);
        result.Ratio("fp16_over_fp32_labels", rates[Half] / rates[BundleManifest.FullPrecision]);
    }

    /// <summary>What the CPU answers in fp32, of as many rows as take it little time.</summary>
    private static IReadOnlyList<LabelPrediction> Expected(
        string bundle, PredictorInput[] rows, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        using var predictor = BundlePredictor.Open(
            bundle, new RuntimeOptions { Device = "cpu", Threads = options.Threads, Precision = BundleManifest.FullPrecision });
        return predictor.Predict([.. rows.Take(options.Quick ? 32 : 1024)], cancellationToken);
    }

    private static void Compare(
        BenchmarkResult result, string precision, IReadOnlyList<LabelPrediction> expected, IReadOnlyList<LabelPrediction> found)
    {
        var pairs = expected.Zip(found).ToArray();
        result.Row(
            ("parity with the CPU in fp32", precision), ("rows", pairs.Length),
            ("labels that differ", pairs.Count(p => p.First.Label != p.Second.Label)),
            ("largest difference of a probability", pairs.Max(p =>
                p.First.Probabilities!.Zip(p.Second.Probabilities!).Max(q => Math.Abs(q.First - q.Second)))
                .ToString("g2", CultureInfo.InvariantCulture)));
    }

    private static async Task MeasureServerAsync(
        BenchmarkResult result, string bundle, string device, string precision, string text, string[] sample, double inProcess,
        BenchmarkOptions options, CancellationToken cancellationToken)
    {
        BenchmarkOptions.Say("labels through the server");
        using var server = await ServerProcess.StartAsync(
            bundle, options.Threads, ["--device", device, "--precision", precision], cancellationToken);
        var clients = Callers.Connect(server.Address);
        using var channel = GrpcChannel.ForAddress(server.Address);
        var health = new Health.HealthClient(channel);
        var median = await MedianAsync(
            () => clients[0].PredictAsync("nli", text, cancellationToken: cancellationToken), options);

        // What a call costs that nothing is computed for.
        var empty = await MedianAsync(
            () => health.CheckAsync(new HealthCheckRequest(), cancellationToken: cancellationToken).ResponseAsync, options);
        var rate = await Callers.SaturateAsync(
            clients, sample, options.Quick ? 16 : 512, TimeSpan.FromSeconds(options.Quick ? 1 : 10), cancellationToken);
        result.Ratio("label_b1_grpc_ms", median);
        result.Ratio("served_over_inprocess", rate / inProcess);
        result.Row(
            ("labels", "through the server"), ("median ms of one", median), ("median ms of a health check", empty), ("answers/s", rate));
        foreach (var client in clients) client.Dispose();
    }

    /// <summary>Milliseconds of a call, made again and again; the first fifth warms up.</summary>
    private static async Task<double> MedianAsync(Func<Task> call, BenchmarkOptions options)
    {
        var times = new List<double>();
        for (var i = 0; i < (options.Quick ? 5 : 300); i++)
        {
            var start = Stopwatch.GetTimestamp();
            await call();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return Timing.Of([.. times.Skip(times.Count / 5)]).Median;
    }
}
