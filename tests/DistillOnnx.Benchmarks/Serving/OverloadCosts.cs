using System.Globalization;
using DistillOnnx.Benchmarks.Harness;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>What is left of the peak when three times as much is asked for, and what becomes of the rest.</summary>
internal static class OverloadCosts
{
    private const double Times = 3;

    public static async Task MeasureAsync(
        BenchmarkResult result, ServerProcess server, string[] texts, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var length = TimeSpan.FromSeconds(options.Quick ? 8 : 60);
        Task<double> PeakAsync() =>
            Overload.PeakAsync(
                server.Address, texts, Saturation.ManyCallers, TimeSpan.FromSeconds(options.Quick ? 3 : 15), cancellationToken);

        // The machine's speed drifts: the peak is taken right before and right after each run.
        var peaks = new List<double> { await PeakAsync() };
        var before = server.ResidentBytes;
        var runs = new List<Overload>();
        var stalls = new List<double>();
        var (own, served) = (TimeSpan.Zero, TimeSpan.Zero);
        for (var round = 0; round < (options.Quick ? 1 : 3); round++)
        {
            BenchmarkOptions.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"overload at {Times:0} times {peaks[^1]:0.0} calls a second for {length.TotalSeconds:0} s"));
            var run = new Overload();
            var (ownBefore, servedBefore) = (Environment.CpuUsage.TotalTime, server.ProcessorTime);
            using (var probe = new StallProbe())
            {
                await run.RunAsync(server.Address, texts, Times * peaks[^1], length, cancellationToken);
                probe.Dispose();
                stalls.AddRange(probe.LateMs);
            }

            own += Environment.CpuUsage.TotalTime - ownBefore;
            served += server.ProcessorTime - servedBefore;
            runs.Add(run);
            peaks.Add(await PeakAsync());
        }

        double[] goodput = [.. runs.Select((run, i) => run.Goodput / ((peaks[i] + peaks[i + 1]) / 2))];
        List<double> refused = [.. runs.SelectMany(r => r.Refused)], answered = [.. runs.SelectMany(r => r.Answered)];
        result.Ratio("overload_goodput", Timing.Of([.. goodput]).Median);
        result.Ratio("overload_refusal_median_ms", Timing.Of(refused).Median);
        result.Ratio("overload_refusal_over_50ms", refused.Count(ms => ms > 50) / (double)refused.Count);
        result.Ratio("overload_control_over_50ms", stalls.Count(ms => ms > 50) / (double)stalls.Count);
        result.Ratio("overload_resident_growth_mb", (server.ResidentBytes - before) / 1e6);
        void Row(string what, int calls, List<double>? ms) => result.Row(
            ("overload", what),
            ("calls", calls),
            ("median ms", ms is null ? "" : Timing.Of(ms).Median),
            ("p99 ms", ms is null ? "" : Quantile(ms, 0.99)),
            ("longest ms", ms is null ? "" : ms.Max()));
        Row("offered", runs.Sum(r => r.Offered), null);
        Row("answered in time", answered.Count, answered);
        Row("refused", refused.Count, refused);
        Row("taken, but late", runs.Sum(r => r.Late), null);
        Row("otherwise lost", runs.Sum(r => r.Lost), null);
        Row("control: a thread that sleeps 5 ms at a time wakes late by", stalls.Count, stalls);
        for (var i = 0; i < runs.Count; i++)
            result.Row(
                ("overload, round", i + 1),
                ("peak before, answers/s", peaks[i]),
                ("in time, answers/s", runs[i].Goodput),
                ("peak after", peaks[i + 1]),
                ("ratio", goodput[i]));
        var cores = runs.Count * length.TotalSeconds * Environment.ProcessorCount;
        result.Row(("processor time in overload", "the server"), ("% of the machine", 100 * served.TotalSeconds / cores));
        result.Row(("processor time in overload", "the callers"), ("% of the machine", 100 * own.TotalSeconds / cores));
        result.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"Overload: {Times:0} times the answers a second that {Saturation.ManyCallers} callers got just before, for "
            + $"{length.TotalSeconds:0} s, {runs.Count} times; a deadline of {Overload.Deadline.TotalSeconds:0} s, no call tried twice."));
    }

    private static double Quantile(List<double> values, double quantile) => values.Order().ElementAt((int)(quantile * (values.Count - 1)));
}
