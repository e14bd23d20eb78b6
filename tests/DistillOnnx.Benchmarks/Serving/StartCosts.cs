using DistillOnnx.Benchmarks.Harness;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>How long a server takes to be ready, and what it holds in memory before the first call.</summary>
internal static class StartCosts
{
    public static async Task MeasureAsync(
        BenchmarkResult result, string bundle, long weights, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        BenchmarkOptions.Say("starting the server");
        var ready = new List<double>();
        foreach (var lanes in (int[])[1, 4])
        {
            var times = new List<double>();
            var resident = 0L;
            for (var i = 0; i < (options.Quick ? 1 : 3); i++)
            {
                using var server = await ServerProcess.StartAsync(
                    bundle,
                    options.Threads,
                    ["--lanes", lanes.ToString(System.Globalization.CultureInfo.InvariantCulture)],
                    cancellationToken);
                times.Add(server.ReadyMs);

                // What the start leaves behind is given back within moments.
                await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken);
                resident = Math.Max(resident, server.ResidentBytes);
            }

            ready.AddRange(times);
            result.Row(
                ("lanes", lanes),
                ("ready ms", Timing.Of(times).Median),
                ("idle resident MB", resident / 1e6),
                ("weights MB", weights / 1e6),
                ("over the weights MB", (resident - weights) / 1e6));
            result.Ratio(FormattableString.Invariant($"idle_resident_over_weights_mb_lanes{lanes}"), (resident - weights) / 1e6);
        }

        result.Ratio("ready_seconds", Timing.Of(ready).Median / 1000);
    }
}
