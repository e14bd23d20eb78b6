using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Options;
using DistillOnnx.Toolchain.Evaluation;

namespace DistillOnnx.Toolchain.Reports;

/// <summary>What <c>distill report</c> gathers.</summary>
public sealed record ReportOptions : IStageOptions
{
    /// <summary>Directory that is, or holds, datasets, checkpoints and bundles.</summary>
    [Option(
        "directory that holds datasets, checkpoints and bundles; its subdirectories are searched",
        Value = "DIR",
        Argument = true,
        Required = true)]
    public string Directory { get; init; } = "";

    /// <summary>File that gets the page.</summary>
    [Option("HTML page to write", Value = "FILE.html", Required = true)]
    public string Out { get; init; } = "";

    /// <summary>Replace an existing page.</summary>
    [Option("replace an existing page")]
    public bool Overwrite { get; init; }

    /// <summary>Dataset to measure the models on.</summary>
    [Option("dataset to measure on; left out: the one that the checkpoint was trained on, or the only one", Value = "DATASET")]
    public string? Data { get; init; }

    /// <summary>Split to measure on.</summary>
    [Option("split to measure on", Value = "train|validation|test")]
    public string Split { get; init; } = SplitNames.Test;

    /// <summary>How the models are run.</summary>
    [OptionGroup]
    public InferenceOptions Inference { get; init; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        List<string> faults = [.. Inference.Validate()];
        if (OutputFiles.Fault(Out, Overwrite, Directory, Data) is { } fault) faults.Add(fault);
        if (SplitOption.Fault(Split) is { } split) faults.Add(split);
        return faults;
    }
}
