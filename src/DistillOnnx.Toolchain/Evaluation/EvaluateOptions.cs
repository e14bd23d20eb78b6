using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Options;
using DistillOnnx.Toolchain.Prediction;

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

    /// <summary>How the model is run.</summary>
    [OptionGroup]
    public InferenceOptions Inference { get; init; } = new();

    /// <summary>Whether and how rationales are written and measured.</summary>
    [OptionGroup]
    public ExplainOptions Explanation { get; init; } = new();

    /// <summary>Rows that go to the student at once.</summary>
    [Option("rows that go to the student at once")]
    public int BatchSize { get; init; } = 256;

    /// <summary>Rows to measure on, from the first; 0: all.</summary>
    [Option("measure on the first rows only; 0 means all")]
    public int Limit { get; init; }

    /// <summary>File that gets one JSON line per row with the answer.</summary>
    [Option("write one JSON line per row with its answer to this file", Value = "FILE")]
    public string? Predictions { get; init; }

    /// <summary>File that gets the figures, plots and examples as one HTML page.</summary>
    [Option("write figures, plots and examples as one self-contained HTML page to this file", Value = "FILE.html")]
    public string? Report { get; init; }

    /// <summary>Replace existing predictions and report files.</summary>
    [Option("replace existing predictions and report files")]
    public bool Overwrite { get; init; }

    /// <summary>Figures under which the evaluation fails with exit code 1: <c>0.8</c> (accuracy) or <c>macro_f1=0.75</c>.</summary>
    [Option(
        "fail (exit code 1) where accuracy (no METRIC), macro_f1 or weighted_f1 is below this fraction of one",
        Value = "[METRIC=]FRACTION")]
    public IReadOnlyList<string> FailUnder { get; init; } = [];

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (SplitOption.Fault(Split) is { } split) faults.Add(split);
        if (BatchSize < 1) faults.Add($"--batch-size must be at least 1, found {BatchSize}");
        if (Limit < 0) faults.Add($"--limit must not be negative, found {Limit}");
        faults.AddRange(Inference.Validate());
        faults.AddRange(Explanation.Validate());
        faults.AddRange(QualityGate.Faults(FailUnder));
        foreach (var file in new[] { Predictions, Report })
            if (OutputFiles.Fault(file, Overwrite, Data, Model, Against, Base) is { } fault) faults.Add(fault);
        if (OutputFiles.SameFault("--predictions", Predictions, "--report", Report) is { } same) faults.Add(same);
        return faults;
    }
}
