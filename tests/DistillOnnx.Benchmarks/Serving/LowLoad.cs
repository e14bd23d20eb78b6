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
        BenchmarkResult result,
        BundlePredictor predictor,
        ServerProcess server,
        string[] texts,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        BenchmarkOptions.Say("one call at a time");
        // Until methods are compiled for good, which takes some thirty calls and a while.
        var warmup = options.Quick ? 10 : 100;
        using var client = new PredictionClient(server.Address);
        var (own, served, stages, added) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var i = -warmup; i < (options.Quick ? 20 : 400); i++)
        {
            var text = texts[(i + warmup) % texts.Length];
            await Task.Delay(Pause, cancellationToken);
            var start = Stopwatch.GetTimestamp();
            predictor.Predict([new PredictorInput(text)], cancellationToken);
            var direct = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            await Task.Delay(Pause, cancellationToken);
            start = Stopwatch.GetTimestamp();
            var answer = await client.PredictAsync(
                new client::DistillOnnx.V1.PredictRequest
                {
                    Model = "nli",
                    Inputs = { new client::DistillOnnx.V1.PredictionInput { Text = text } },
                },
                cancellationToken);
            var remote = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (i < 0) continue;
            own.Add(direct);
            served.Add(remote);
            stages.Add(answer.Timings.InferenceMs);
            added.Add(remote - direct);
        }

        // The texts differ in length and the machine drifts: what is added is told by the two calls with the same text.
        result.Ratio("median_added_ms", Timing.Of(added).Median);
        void Row(string what, List<double> samples)
        {
            var timing = Timing.Of(samples);
            result.Row(("low load", what), ("median ms", timing.Median), ("p10 ms", timing.Low), ("p90 ms", timing.High));
        }

        Row("in process", own);
        Row("through the server", served);
        Row("the server's inference stage", stages);
        Row("added to the same text", added);
        Row("added outside the inference stage", [.. served.Zip(stages, (whole, stage) => whole - stage)]);
    }
}
