using DistillOnnx.Export.Onnx;

namespace DistillOnnx.Export;

/// <summary>How a checkpoint becomes a bundle.</summary>
public sealed record BundleExportOptions
{
    /// <summary>The checkpoint directory.</summary>
    public string Model { get; init; } = "";

    /// <summary>The base of a checkpoint that is a LoRA adapter; null: the one that the adapter names.</summary>
    public string? Base { get; init; }

    /// <summary>The bundle directory to make.</summary>
    public string Out { get; init; } = "";

    /// <summary>Replaces an existing bundle.</summary>
    public bool Overwrite { get; init; }

    /// <summary>A task description for a checkpoint that has none.</summary>
    public string? Task { get; init; }

    /// <summary>The precisions to write.</summary>
    public IReadOnlyList<string> Precision { get; init; } = ["fp32"];

    /// <summary>Which graphs to write.</summary>
    public GraphSet Graphs { get; init; }

    /// <summary>Whether graphs keep to ONNX's own operators.</summary>
    public bool Portable { get; init; }

    /// <summary>Size of a graph's constants, in bytes, above which they go to a file beside it.</summary>
    public long ExternalDataThreshold { get; init; } = OnnxWriter.DefaultExternalThreshold;

    /// <summary>All faults, empty where there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (Model.Length == 0) faults.Add("--model is missing");
        if (Out.Length == 0) faults.Add("--out is missing");
        if (Precision.Count == 0) faults.Add("--precision is empty");
        foreach (var name in Precision)
        {
            if (!GraphPrecisions.Names.Contains(name, StringComparer.Ordinal))
                faults.Add($"--precision must be of {string.Join(", ", GraphPrecisions.Names)}, found \"{name}\"");
        }

        if (Portable && Precision.Contains("q4", StringComparer.Ordinal))
            faults.Add("--precision q4 needs an operator of ONNX Runtime's own, which --portable rules out");
        if (ExternalDataThreshold is < 0 or > OnnxWriter.DefaultExternalThreshold)
            faults.Add(
                $"--external-data-threshold must be between 0 and {OnnxWriter.DefaultExternalThreshold}, found {ExternalDataThreshold}");
        return faults;
    }
}
