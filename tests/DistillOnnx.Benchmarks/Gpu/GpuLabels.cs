using System.Diagnostics;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Benchmarks.Inference;
using DistillOnnx.Benchmarks.Serving;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;

namespace DistillOnnx.Benchmarks.Gpu;

/// <summary>Labels on a GPU: latency by batch, rows a second, in process and through the server, fp32 and fp16.</summary>
internal static class GpuLabels
{
    private const int Tokens = 128;

    public static async Task MeasureAsync(BenchmarkResult result, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var device = options.Device ?? "cuda:0";
        using var student = SmallStudent.Create("fp16");
        var rates = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var precision in new[] { BundleManifest.FullPrecision, "fp16" })
        {
            BenchmarkOptions.Say($"labels in {precision}");
            var open = Stopwatch.GetTimestamp();
            using var predictor = BundlePredictor.Open(
                student.Directory, new RuntimeOptions { Device = device, Precision = precision });
            var texts = new ServingTexts(predictor);
            result.Row(("labels", precision), ("what", "load"), ("ms", Stopwatch.GetElapsedTime(open).TotalMilliseconds));
            foreach (var batch in new[] { 1, 16, 64 })
            {
                var inputs = texts.Of([.. Enumerable.Repeat(Tokens, batch)]).Select(t => new PredictorInput(t)).ToArray();
                var first = Stopwatch.GetTimestamp();
                predictor.Predict(inputs, cancellationToken);
                var firstMs = Stopwatch.GetElapsedTime(first).TotalMilliseconds;
                var time = Interleaved.Measure(
                    [("label", () => predictor.Predict(inputs, cancellationToken))], options.Quick ? 3 : 100, warmup: 3,
                    cancellationToken)["label"];
                if (batch == 1 && precision == BundleManifest.FullPrecision) result.Ratio("label_b1_ms", time.Median);
                result.Row(
                    ("labels", precision), ("batch", batch), ("tokens", Tokens), ("first call of the shape ms", firstMs),
                    ("median ms", time.Median), ("p90 ms", time.High));
            }

            var (sample, source) = texts.Esnli(options.SharedData, options.Quick ? 64 : 16384);
            var rows = sample.Select(t => new PredictorInput(t)).ToArray();
            predictor.Predict([.. rows.Take(512)], cancellationToken);
            var begin = Stopwatch.GetTimestamp();
            predictor.Predict(rows, cancellationToken);
            rates[precision] = rows.Length / Stopwatch.GetElapsedTime(begin).TotalSeconds;
            result.Row(("labels", precision), ("what", $"bulk of {rows.Length} rows, {source}"), ("rows/s", rates[precision]));
            if (precision != BundleManifest.FullPrecision) continue;
            await MeasureServerAsync(result, student.Directory, device, texts, sample, rates[precision], options, cancellationToken);
        }

        result.Ratio("labels_per_s", rates[BundleManifest.FullPrecision]);
        result.Ratio("fp16_over_fp32_labels", rates["fp16"] / rates[BundleManifest.FullPrecision]);
    }

    private static async Task MeasureServerAsync(
        BenchmarkResult result, string bundle, string device, ServingTexts texts, string[] sample, double inProcess,
        BenchmarkOptions options, CancellationToken cancellationToken)
    {
        BenchmarkOptions.Say("labels through the server");
        using var server = await ServerProcess.StartAsync(bundle, options.Threads, ["--device", device], cancellationToken);
        var clients = Callers.Connect(server.Address);
        var one = texts.Of([Tokens])[0];
        var times = new List<double>();
        for (var i = 0; i < (options.Quick ? 5 : 300); i++)
        {
            var start = Stopwatch.GetTimestamp();
            await clients[0].PredictAsync("nli", one, cancellationToken: cancellationToken);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        var median = Timing.Of([.. times.Skip(times.Count / 5)]).Median;
        var rate = await Callers.SaturateAsync(
            clients, sample, options.Quick ? 16 : 512, TimeSpan.FromSeconds(options.Quick ? 1 : 10), cancellationToken);
        result.Ratio("label_b1_grpc_ms", median);
        result.Ratio("served_over_inprocess", rate / inProcess);
        result.Row(("labels", "through the server"), ("median ms of one", median), ("answers/s", rate));
        foreach (var client in clients) client.Dispose();
    }
}
