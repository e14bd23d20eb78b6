extern alias client;

using System.Diagnostics;
using System.Globalization;
using client::DistillOnnx.Client;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>
/// One call at a time, with pauses: the server's against an in-process call with the same text after the same pause. What a pause
/// itself costs, since threads slept and caches were used by others, both sides then pay. Beside them a health check, for which the server
/// computes nothing: what gRPC and the system cost alone.
/// </summary>
internal static class LowLoad
{
    /// <summary>Pauses before each call, and how many are measured. After 25 ms nobody's threads are still awake.</summary>
    private static readonly (int Milliseconds, int Calls)[] Pauses = [(10, 300), (25, 400), (1000, 30)];

    public static async Task MeasureAsync(
        BenchmarkResult result,
        BundlePredictor predictor,
        ServerProcess server,
        string[] texts,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        using var client = new PredictionClient(server.Address);
        using var channel = GrpcChannel.ForAddress(server.Address);
        var health = new Health.HealthClient(channel);

        // Opened as the server's was: the one that has read the texts is 6 % slower for a reason that is not known.
        using var own = BundlePredictor.Open(predictor.Bundle.Directory, predictor.Bundle.Options);

        // As many lanes as the server has, of which a single call uses none: it shows whether their being there costs something.
        using var lanes = BundlePredictor.Open(
            predictor.Bundle.Directory,
            predictor.Bundle.Options with { Lanes = RuntimeOptions.LanesFor(predictor.Bundle.Options.Threads) });
        foreach (var (pause, calls) in Pauses)
        {
            BenchmarkOptions.Say($"one call at a time, {pause} ms between calls");

            // Until methods are compiled for good, which takes some thirty calls and a while.
            var warmup = pause > 100 ? 2 : options.Quick ? 10 : 100;
            var counted = !options.Quick ? calls : pause > 100 ? 3 : 20;
            var samples = new Samples();
            for (var i = -warmup; i < counted; i++)
            {
                var text = texts[(i + warmup) % texts.Length];
                var call = await CallAsync(
                    own, lanes, client, health, text, i + warmup, TimeSpan.FromMilliseconds(pause), cancellationToken);
                if (i >= 0) samples.Add(call);
            }

            samples.Report(result, pause);
        }
    }

    private static async Task<Call> CallAsync(
        BundlePredictor predictor, BundlePredictor lanes, PredictionClient client, Health.HealthClient health, string text, int number,
        TimeSpan pause, CancellationToken token)
    {
        async Task<double> After(Func<Task> call)
        {
            await Task.Delay(pause, token);
            var start = Stopwatch.GetTimestamp();
            await call();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Task<double> Own(BundlePredictor of) => After(() =>
        {
            of.Predict([new PredictorInput(text)], token);
            return Task.CompletedTask;
        });
        var request = new client::DistillOnnx.V1.PredictRequest
        {
            Model = "nli",
            Inputs = { new client::DistillOnnx.V1.PredictionInput { Text = text } },
        };
        var stage = 0.0;
        Func<Task<double>>[] sides =
        [
            () => Own(predictor), () => Own(lanes),
            () => After(async () => stage = (await client.PredictAsync(request, token)).Timings.InferenceMs),
        ];

        // Each finds what the one before it left in the processor's caches, the engine's code among it: so they take turns.
        var times = new double[sides.Length];
        for (var i = 0; i < sides.Length; i++)
        {
            var side = (i + number) % sides.Length;
            times[side] = await sides[side]();
        }

        var empty = await After(() => health.CheckAsync(new HealthCheckRequest(), cancellationToken: token).ResponseAsync);
        return new Call(times[0], times[1], times[2], stage, empty);
    }

    /// <summary>Milliseconds of one text's calls.</summary>
    private readonly record struct Call(double Own, double WithLanes, double Served, double Stage, double Empty);

    private sealed class Samples
    {
        private readonly List<Call> _calls = [];

        public void Add(Call call) => _calls.Add(call);

        public void Report(BenchmarkResult result, int pause)
        {
            // The texts differ in length and the machine drifts: what is added is told by the calls with the same text.
            Timing Of(Func<Call, double> value) => Timing.Of([.. _calls.Select(value)]);
            var suffix = string.Create(CultureInfo.InvariantCulture, $"after_{pause}ms");
            var added = Of(c => c.Served - c.Own);
            if (pause == 25) result.Ratio("median_added_ms", added.Median);
            result.Ratio($"median_added_ms_{suffix}", added.Median);
            result.Ratio($"inference_stage_over_inprocess_{suffix}", Of(c => c.Stage / c.Own).Median);
            result.Ratio($"inprocess_lanes_over_inprocess_{suffix}", Of(c => c.WithLanes / c.Own).Median);
            void Row(string what, Timing timing) => result.Row(
                ("pause ms", pause), ("low load", what), ("median ms", timing.Median), ("p10 ms", timing.Low), ("p90 ms", timing.High));
            Row("in process", Of(c => c.Own));
            Row("in process, with lanes that are not used", Of(c => c.WithLanes));
            Row("through the server", Of(c => c.Served));
            Row("the server's inference stage", Of(c => c.Stage));
            Row("added to the same text", added);
            Row("added outside the inference stage", Of(c => c.Served - c.Stage));
            Row("a health check, for which nothing is computed", Of(c => c.Empty));
            result.Ratio($"median_empty_call_ms_{suffix}", Of(c => c.Empty).Median);
        }
    }
}
