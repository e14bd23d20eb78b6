extern alias client;

using System.Diagnostics;
using client::DistillOnnx.Client;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>One call at a time, with pauses: the server's against an in-process call with the same text.</summary>
internal static class LowLoad
{
    // Nobody's threads are still awake after this.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    public static async Task MeasureAsync(
        BenchmarkResult result, BundlePredictor predictor, ServerProcess server, string[] texts, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        BenchmarkOptions.Say("one call at a time");
        const int warmup = 10;
        using var client = new PredictionClient(server.Address);
        var (own, served, stages) = (new List<double>(), new List<double>(), new List<double>());
        for (var i = -warmup; i < (options.Quick ? 20 : 200); i++)
        {
            var text = texts[(i + warmup) % texts.Length];
            await Task.Delay(Pause, cancellationToken);
            var start = Stopwatch.GetTimestamp();
            predictor.Predict([new PredictionInput(text)], cancellationToken);
            var direct = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            await Task.Delay(Pause, cancellationToken);
            start = Stopwatch.GetTimestamp();
            var answer = await client.PredictAsync(new client::DistillOnnx.V1.PredictRequest { Model = "nli", Inputs = { new client::DistillOnnx.V1.PredictionInput { Text = text } } }, cancellationToken);
            var remote = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (i < 0) continue;
            own.Add(direct);
            served.Add(remote);
            stages.Add(answer.Timings.InferenceMs);
        }

        var (inProcess, overWire) = (Timing.Of(own), Timing.Of(served));
        result.Ratio("median_added_ms", overWire.Median - inProcess.Median);
        result.Row(("low load", "in process"), ("median ms", inProcess.Median), ("p10 ms", inProcess.Low), ("p90 ms", inProcess.High));
        result.Row(("low load", "through the server"), ("median ms", overWire.Median), ("p10 ms", overWire.Low), ("p90 ms", overWire.High));
        var inference = Timing.Of(stages);
        result.Row(("low load", "the server's inference stage"), ("median ms", inference.Median), ("p10 ms", inference.Low), ("p90 ms", inference.High));
    }
}
