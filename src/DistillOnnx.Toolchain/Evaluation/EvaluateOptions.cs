using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>What <c>distill evaluate</c> measures.</summary>
public sealed record EvaluateOptions : IStageOptions
{
    /// <summary>Dataset directory.</summary>
    [Option("dataset directory", Value = "DATASET", Required = true)]
    public string Data { get; init; } = "";

    /// <summary>Checkpoint or bundle directory.</summary>
    [Option("checkpoint or bundle directory", Value = "CHECKPOINT|BUNDLE", Required = true)]
    public string Model { get; init; } = "";

    /// <summary>Split to measure on.</summary>
    [Option("split to measure on", Value = "train|validation|test")]
    public string Split { get; init; } = "test";

    /// <summary>The base of a checkpoint that is a LoRA adapter.</summary>
    [Option("base of a checkpoint that is a LoRA adapter; left out: the one that the adapter names", Value = "CHECKPOINT")]
    public string? Base { get; init; }

    /// <summary>Another model, a checkpoint or bundle directory, to compare with on the same rows.</summary>
    [Option("compare with this model on the same rows, at its own default precision", Value = "CHECKPOINT|BUNDLE")]
    public string? Against { get; init; }

    /// <summary>Where to run.</summary>
    [Option("where to run", Value = "auto|cpu|cuda:N")]
    public string Device { get; init; } = "auto";

    /// <summary>Which of a bundle's precisions to run.</summary>
    [Option("which of a bundle's precisions to run", Value = "auto|fp32|fp16|int8|q4")]
    public string Precision { get; init; } = "auto";

    /// <summary>Threads within an operation; 0: one a core.</summary>
    [Option("threads within an operation; 0 means one a core")]
    public int Threads { get; init; }

    /// <summary>Rows that go to the student at once.</summary>
    [Option("rows that go to the student at once")]
    public int BatchSize { get; init; } = 256;

    /// <summary>Rows to measure on, from the first; 0: all.</summary>
    [Option("measure on the first rows only; 0 means all")]
    public int Limit { get; init; }

    /// <summary>File that gets one JSON line per row with the answer.</summary>
    [Option("write one JSON line per row with its answer to this file", Value = "FILE")]
    public string? Predictions { get; init; }

    /// <summary>Replace an existing predictions file.</summary>
    [Option("replace an existing predictions file")]
    public bool Overwrite { get; init; }

    /// <summary>Figures under which the evaluation fails with exit code 1: <c>0.8</c> (accuracy) or <c>macro_f1=0.75</c>.</summary>
    [Option("fail (exit code 1) where accuracy (no METRIC), macro_f1 or weighted_f1 is below this fraction of one", Value = "[METRIC=]FRACTION")]
    public IReadOnlyList<string> FailUnder { get; init; } = [];

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (BatchSize < 1) faults.Add($"--batch-size must be at least 1, found {BatchSize}");
        if (Limit < 0) faults.Add($"--limit must not be negative, found {Limit}");
        if (Threads < 0) faults.Add($"--threads must not be negative, found {Threads}");
        faults.AddRange(QualityGate.Faults(FailUnder));
        if (Predictions is not null && !Overwrite && File.Exists(Predictions)) faults.Add($"{Predictions}: exists already; choose another file or pass --overwrite");
        return faults;
    }
}
