using System.Diagnostics;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>Answers a second when there is always more to do: batched, one call a run, and in process with ideal batches.</summary>
internal static class Saturation
{
    /// <summary>Callers enough that rows always wait.</summary>
    public const int ManyCallers = 64;

    private const string Int8 = "int8";

    // Which budget suits a processor best depends on its caches: the in-process loop gets the better of two.
    private static readonly int[] Budgets = [512, 2048];

    /// <summary>Compares the three on real lengths.</summary>
    public static async Task MeasureAsync(
        BenchmarkResult result,
        string bundle,
        ServerProcess batched,
        ServerProcess unbatched,
        string[] texts,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        BenchmarkOptions.Say(FormattableString.Invariant($"saturation with {ManyCallers} callers"));
        var length = TimeSpan.FromSeconds(options.Quick ? 3 : 8);
        var batchedClients = Callers.Connect(batched.Address);
        var unbatchedClients = Callers.Connect(unbatched.Address);
        BundlePredictor[] loops = [.. Budgets.Select(b =>
            BundlePredictor.Open(bundle, new RuntimeOptions { Device = "cpu", Threads = options.Threads, MaxBatchTokens = b }))];
        PredictorInput[] inputs = [.. texts.Select(t => new PredictorInput(t))];
        var rates = new Dictionary<string, List<double>>(StringComparer.Ordinal);
        void Add(string what, double rate)
        {
            if (!rates.TryGetValue(what, out var list)) rates[what] = list = [];
            list.Add(rate);
        }

        foreach (var loop in loops) loop.Predict(inputs[..Math.Min(32, inputs.Length)], cancellationToken);
        for (var round = 0; round < (options.Quick ? 1 : 5); round++)
        {
            for (var i = 0; i < loops.Length; i++) Add(InProcess(Budgets[i]), OwnRate(loops[i], inputs, cancellationToken));
            Add("served, batched", await Callers.SaturateAsync(batchedClients, texts, ManyCallers, length, cancellationToken));
            Add("in process, one row a run", OwnRate(loops[0], inputs[..(inputs.Length / 4)], cancellationToken, together: false));
            Add("served, one call a run", await Callers.SaturateAsync(unbatchedClients, texts, ManyCallers, length, cancellationToken));
        }

        var medians = rates.ToDictionary(r => r.Key, r => Timing.Of(r.Value), StringComparer.Ordinal);
        foreach (var (what, rate) in medians)
            result.Row(("saturation", what), ("answers/s", rate.Median), ("least", rate.Fastest), ("most", rates[what].Max()));

        var ideal = rates[InProcess(Budgets.MaxBy(b => medians[InProcess(b)].Median))];
        result.Ratio("throughput_over_inprocess", Ratio(rates["served, batched"], ideal));
        result.Ratio("throughput_over_unbatched", Ratio(rates["served, batched"], rates["served, one call a run"]));
        result.Ratio("unbatched_bound", Ratio(ideal, rates["in process, one row a run"]));
        var text = await batched.MetricAsync("distillonnx_tokens_total", "kind=\"text\"", cancellationToken);
        var padding = await batched.MetricAsync("distillonnx_tokens_total", "kind=\"padding\"", cancellationToken);
        result.Ratio("padding_waste", padding / (text + padding));
        foreach (var loop in loops) loop.Dispose();
        foreach (var client in batchedClients.Concat(unbatchedClients)) client.Dispose();
    }

    /// <summary>Compares the server on eight bits with its own in-process rate and with the server in full precision.</summary>
    public static async Task MeasureInt8Async(
        BenchmarkResult result,
        string bundle,
        ServerProcess full,
        ServerProcess int8,
        string[] texts,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        BenchmarkOptions.Say("saturation in int8");
        var length = TimeSpan.FromSeconds(options.Quick ? 3 : 8);
        var (fullClients, int8Clients) = (Callers.Connect(full.Address), Callers.Connect(int8.Address));
        BundlePredictor[] loops = [.. Budgets.Select(b => BundlePredictor.Open(
            bundle, new RuntimeOptions { Device = "cpu", Threads = options.Threads, MaxBatchTokens = b, Precision = Int8 }))];
        PredictorInput[] inputs = [.. texts.Select(t => new PredictorInput(t))];
        List<double>[] own = [.. Budgets.Select(_ => new List<double>())];
        List<double> served = [], servedFull = [];
        foreach (var loop in loops) loop.Predict(inputs[..Math.Min(32, inputs.Length)], cancellationToken);
        for (var round = 0; round < (options.Quick ? 1 : 5); round++)
        {
            for (var i = 0; i < loops.Length; i++) own[i].Add(OwnRate(loops[i], inputs, cancellationToken));
            served.Add(await Callers.SaturateAsync(int8Clients, texts, ManyCallers, length, cancellationToken));
            servedFull.Add(await Callers.SaturateAsync(fullClients, texts, ManyCallers, length, cancellationToken));
        }

        void Row(string what, List<double> rates) => result.Row(
            ("saturation in int8", what), ("answers/s", Timing.Of(rates).Median), ("least", rates.Min()), ("most", rates.Max()));
        for (var i = 0; i < loops.Length; i++) Row(InProcess(Budgets[i]), own[i]);
        Row("served, batched", served);
        Row("served in fp32, batched", servedFull);
        var ideal = own.MaxBy(rates => Timing.Of(rates).Median)!;
        result.Ratio("int8_throughput_over_inprocess", Ratio(served, ideal));
        result.Ratio("int8_throughput_over_fp32", Ratio(served, servedFull));
        foreach (var loop in loops) loop.Dispose();
        foreach (var client in fullClients.Concat(int8Clients)) client.Dispose();
    }

    /// <summary>Compares batching with one call a run where all inputs are of one length.</summary>
    public static async Task MeasureLengthsAsync(
        BenchmarkResult result,
        ServingTexts texts,
        ServerProcess batched,
        ServerProcess unbatched,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        var least = double.MaxValue;
        foreach (var tokens in options.Quick ? (int[])[32, 128] : [16, 32, 64, 128, 256, 512])
        {
            BenchmarkOptions.Say(FormattableString.Invariant($"saturation at {tokens} tokens"));
            var even = texts.Of([.. Enumerable.Repeat(tokens, 16)]);
            var rates = new List<double>[] { [], [] };
            var length = TimeSpan.FromSeconds(options.Quick ? 2 : tokens > 200 ? 4 : 2.5);
            for (var round = 0; round < (options.Quick ? 1 : 4); round++)
            {
                // Whoever comes first in a round comes last in the next.
                (ServerProcess, List<double>)[] order = [(batched, rates[0]), (unbatched, rates[1])];
                foreach (var (server, list) in round % 2 == 0 ? order : order.Reverse())
                {
                    var clients = Callers.Connect(server.Address);
                    list.Add(await Callers.SaturateAsync(
                        clients, even, tokens > 200 ? ManyCallers / 4 : ManyCallers, length, cancellationToken));
                    foreach (var client in clients) client.Dispose();
                }
            }

            var (with, without) = (rates[0].Average(), rates[1].Average());
            var ratios = Timing.Of([.. rates[0].Zip(rates[1], (a, b) => a / b)]);
            least = Math.Min(least, with / without);
            result.Row(
                ("tokens of every input", tokens),
                ("batched answers/s", with),
                ("one call a run", without),
                ("ratio", with / without),
                ("least", ratios.Low),
                ("most", ratios.High));
        }

        result.Ratio("throughput_over_unbatched_least_of_lengths", least);
    }

    // The machine's speed drifts: rates are compared within a round.
    private static double Ratio(List<double> a, List<double> b) => Timing.Of([.. a.Zip(b, (x, y) => x / y)]).Median;

    private static string InProcess(int budget) => FormattableString.Invariant($"in process, ideal batches of at most {budget} tokens");

    private static double OwnRate(
        BundlePredictor predictor, PredictorInput[] inputs, CancellationToken cancellationToken, bool together = true)
    {
        var start = Stopwatch.GetTimestamp();
        if (together) predictor.Predict(inputs, cancellationToken);
        else foreach (var input in inputs) predictor.Predict([input], cancellationToken);
        return inputs.Length / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
