namespace DistillOnnx.Benchmarks.Harness;

/// <summary>What the command line asked for.</summary>
/// <param name="Threads">Threads that an engine may use for one operation.</param>
/// <param name="Quick">Few rounds: to see that a benchmark runs, not to quote it.</param>
/// <param name="SharedData">A directory with real data sets, or null.</param>
internal sealed record BenchmarkOptions(int Threads, bool Quick, string? SharedData)
{
    /// <summary>Device of the <c>gpu</c> benchmark; null: the first GPU.</summary>
    public string? Device { get; init; }

    /// <summary>The part of the benchmark that runs; null: all of them.</summary>
    public string? Part { get; init; }

    /// <summary>What the device of the <c>gpu</c> benchmark computes at most in bf16, in TFLOP/s: an H100's or H200's rate.</summary>
    public double PeakTeraflops { get; init; } = 790;

    /// <summary>Keeps what a benchmark has found so far, in case that it is cut off; does nothing where no file was named.</summary>
    public Action<BenchmarkResult> Save { get; init; } = _ => { };

    /// <summary>Whether a part of the benchmark runs.</summary>
    /// <param name="part">One of <see cref="IBenchmark.Parts"/>.</param>
    public bool Includes(string part) => Part is null || Part == part;

    /// <summary>Says what is going on, on stderr.</summary>
    /// <param name="message">One line.</param>
    public static void Say(string message) => Console.Error.WriteLine(message);
}
