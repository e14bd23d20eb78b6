namespace DistillOnnx.Stages.Options;

/// <summary>How a model is run to answer inputs; the stages that ask one take it over whole.</summary>
public sealed record InferenceOptions
{
    private const int MostThreads = 1024;

    /// <summary>Where to run.</summary>
    [Option("where to run", Value = "auto|cpu|cuda:N")]
    public string Device { get; init; } = "auto";

    /// <summary>Which of a bundle's precisions to run; a checkpoint has fp32 only.</summary>
    [Option("which of a bundle's precisions to run", Value = "auto|fp32|fp16|int8|q4")]
    public string Precision { get; init; } = "auto";

    /// <summary>Threads within an operation; 0: one a core.</summary>
    [Option("threads within an operation; 0 means one a core")]
    public int Threads { get; init; }

    /// <summary>All faults, empty where there are none.</summary>
    public IReadOnlyList<string> Validate() =>
        Threads is < 0 or > MostThreads ? [$"--threads: expected 0 (one a core) to {MostThreads}, found {Threads}"] : [];
}
