using System.Diagnostics;

namespace DistillOnnx.Benchmarks.Harness;

/// <summary>
/// Times several variants in turns, A B C A B C …, so that a drift of the machine falls on all of them alike and their
/// ratios hold even where the absolute times do not.
/// </summary>
internal static class Interleaved
{
    /// <summary>Runs every variant once per round and returns each one's median in milliseconds.</summary>
    /// <param name="variants">What to time; a variant's order in the round alternates between rounds.</param>
    /// <param name="rounds">Timed rounds.</param>
    /// <param name="warmup">Rounds before them.</param>
    /// <param name="cancellationToken">Stops between runs.</param>
    public static IReadOnlyDictionary<string, Timing> Measure(
        IReadOnlyList<(string Name, Action Run)> variants, int rounds, int warmup = 3, CancellationToken cancellationToken = default)
    {
        var samples = variants.ToDictionary(v => v.Name, _ => new List<double>(rounds), StringComparer.Ordinal);
        for (var round = -warmup; round < rounds; round++)
        {
            for (var i = 0; i < variants.Count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var (name, run) = variants[(round & 1) == 0 ? i : variants.Count - 1 - i];
                var start = Stopwatch.GetTimestamp();
                run();
                var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (round >= 0) samples[name].Add(elapsed);
            }
        }

        return samples.ToDictionary(s => s.Key, s => Timing.Of(s.Value), StringComparer.Ordinal);
    }
}
