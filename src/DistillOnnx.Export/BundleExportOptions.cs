using DistillOnnx.Core.Options;
using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export;

/// <summary>How a checkpoint becomes a bundle.</summary>
public sealed record BundleExportOptions : IStageOptions
{
    /// <summary>The checkpoint directory.</summary>
    [Option("Checkpoint directory, ours or any public T5 in Hugging Face's layout.", Value = "CHECKPOINT", Required = true)]
    public string Model { get; init; } = "";

    /// <summary>The bundle directory to make.</summary>
    [Option("Bundle directory to make.", Value = "BUNDLE", Required = true)]
    public string Out { get; init; } = "";

    /// <summary>Replaces an existing bundle.</summary>
    [Option("Replace an existing bundle.")]
    public bool Overwrite { get; init; }

    /// <summary>A task description for a checkpoint that has none.</summary>
    [Option("Task description (task.json), for a checkpoint that has none or in place of its own.", Value = "TASK.json")]
    public string? Task { get; init; }

    /// <summary>The precisions to write.</summary>
    [Option("Precisions to write: fp32, fp16, int8, q4.", Value = "NAMES")]
    public IReadOnlyList<string> Precision { get; init; } = ["fp32"];

    /// <summary>Which graphs to write.</summary>
    [Option("Graphs to write: all, label (the label model alone: the smallest bundle) or seq2seq (encoder and decoders alone).")]
    public GraphSet Graphs { get; init; }

    /// <summary>Whether graphs keep to ONNX's own operators.</summary>
    [Option("Use ONNX's own operators only, for runtimes that lack ONNX Runtime's contributed ones; somewhat slower on ONNX Runtime.")]
    public bool Portable { get; init; }

    /// <summary>Size of a graph's constants, in bytes, above which they go to a file beside it.</summary>
    [Option("Size in bytes above which a graph's weights go to a file beside it.", Value = "BYTES")]
    public long ExternalDataThreshold { get; init; } = OnnxWriter.DefaultExternalThreshold;

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (Model.Length == 0) faults.Add("--model is missing");
        if (Out.Length == 0) faults.Add("--out is missing");
        if (Precision.Count == 0) faults.Add("--precision is empty");
        foreach (var name in Precision)
        {
            if (!Precisions.Names.Contains(name, StringComparer.Ordinal))
                faults.Add($"--precision must be of {string.Join(", ", Precisions.Names)}, found \"{name}\"");
        }

        if (Portable && Precision.Contains("q4", StringComparer.Ordinal)) faults.Add("--precision q4 needs an operator of ONNX Runtime's own, which --portable rules out");
        if (ExternalDataThreshold is < 0 or > OnnxWriter.DefaultExternalThreshold)
            faults.Add($"--external-data-threshold must be between 0 and {OnnxWriter.DefaultExternalThreshold}, found {ExternalDataThreshold}");
        return faults;
    }
}
