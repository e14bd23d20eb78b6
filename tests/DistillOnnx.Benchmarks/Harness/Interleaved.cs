using System.Diagnostics;

namespace DistillOnnx.Benchmarks.Harness;

/// <summary>
/// Times several variants in turns, A B C A B C …, so that a drift of the machine falls on all of them alike and their
/// ratios hold even where the absolute times do not.
/// </summary>
internal static class Interleaved
{
    /// <summary>
    /// Long enough that idle threads of an engine's pool have given up spinning: ONNX Runtime's go on for some 20 ms after a
    /// run, and until then hold a core that the next variant needs.
    /// </summary>
    public static TimeSpan SpinningEnds { get; } = TimeSpan.FromMilliseconds(40);

    /// <summary>A variant that is shorter is run for this long, in milliseconds, before it is timed, and as long while it is.</summary>
    private const double Least = 20;

    /// <summary>Runs every variant once per round and returns the times.</summary>
    /// <param name="variants">What to time; a variant's order in the round alternates between rounds.</param>
    /// <param name="rounds">Timed rounds.</param>
    /// <param name="warmup">Rounds before them.</param>
    /// <param name="cancellationToken">Stops between runs.</param>
    /// <param name="rest">
    /// Where above zero, a variant's turn is this pause, uncounted runs until its threads are awake and its clock is up, and the
    /// timed run, or the mean of several where one is short: so each is measured alone, whatever ran before it.
    /// </param>
    public static Measurement Measure(
        IReadOnlyList<(string Name, Action Run)> variants,
        int rounds,
        int warmup = 3,
        CancellationToken cancellationToken = default,
        TimeSpan rest = default)
    {
        var measurement = new Measurement([.. variants.Select(v => v.Name)]);
        var times = new double[variants.Count];
        for (var round = -warmup; round < rounds; round++)
        {
            for (var i = 0; i < variants.Count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var at = (round & 1) == 0 ? i : variants.Count - 1 - i;
                var repeats = 1;
                if (rest > TimeSpan.Zero)
                {
                    Thread.Sleep(rest);
                    repeats = times[at] > 0 ? (int)Math.Ceiling(Least / Math.Clamp(times[at], 0.1, Least)) : 1;
                    if (times[at] < 5 * Least) Run(variants[at].Run, repeats);
                }

                times[at] = Run(variants[at].Run, repeats);
            }

            if (round >= 0) measurement.Add([.. times]);
        }

        return measurement;
    }

    /// <summary>Milliseconds a run.</summary>
    private static double Run(Action action, int repeats)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < repeats; i++) action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds / repeats;
    }
}
