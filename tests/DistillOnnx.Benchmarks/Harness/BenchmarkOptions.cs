namespace DistillOnnx.Benchmarks.Harness;

/// <summary>What the command line asked for.</summary>
/// <param name="Threads">Threads that an engine may use for one operation.</param>
/// <param name="Quick">Few rounds: to see that a benchmark runs, not to quote it.</param>
/// <param name="SharedData">A directory with real data sets, or null.</param>
internal sealed record BenchmarkOptions(int Threads, bool Quick, string? SharedData)
{
    /// <summary>Says what is going on, on stderr.</summary>
    /// <param name="message">One line.</param>
    public static void Say(string message) => Console.Error.WriteLine(message);
}
