namespace DistillOnnx.Benchmarks.Harness;

/// <summary>One committed benchmark: what <c>scripts/bench NAME</c> runs.</summary>
internal interface IBenchmark
{
    /// <summary>The name on the command line.</summary>
    string Name { get; }

    /// <summary>What <c>--part</c> can ask for by itself; empty where the benchmark is one piece.</summary>
    IReadOnlyList<string> Parts => [];

    /// <summary>Measures. All variants that a ratio compares run interleaved within this call.</summary>
    /// <param name="options">What the command line asked for.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken);
}
