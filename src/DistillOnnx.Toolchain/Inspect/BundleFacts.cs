using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>What a bundle is, out of its manifest, and whether its files are the manifest's.</summary>
public sealed record BundleFacts
{
    /// <summary>A name for exactly these files.</summary>
    public required string Version { get; init; }

    /// <summary>The program that wrote it.</summary>
    public required string Producer { get; init; }

    /// <summary>The task and its labels.</summary>
    public required TaskSpec Task { get; init; }

    /// <summary>The checkpoint it was made from.</summary>
    public BundleSource? Source { get; init; }

    /// <summary>Whether the graphs use operators of ONNX's own domain only.</summary>
    public required bool Portable { get; init; }

    /// <summary>The precisions: graphs, bytes, accuracy and what it loses.</summary>
    public required IReadOnlyDictionary<string, BundlePrecision> Precisions { get; init; }

    /// <summary>What the label model holds.</summary>
    public LabelModelFacts? LabelModel { get; init; }

    /// <summary>The calibration.</summary>
    public BundleCalibration? Calibration { get; init; }

    /// <summary>Calibrated probability below which the model abstains.</summary>
    public double? AbstainBelow { get; init; }

    /// <summary>How closely the graphs follow the checkpoint.</summary>
    public BundleParity? Parity { get; init; }

    /// <summary>The tokenizer.</summary>
    public TokenizerFacts? Tokenizer { get; init; }

    /// <summary>Number of files that the manifest names.</summary>
    public required int Files { get; init; }

    /// <summary>Whether every file and graph that the manifest names exists with its length and hash.</summary>
    public bool FilesMatch => FileFaults.Count == 0;

    /// <summary>The files that are missing, differ or have no hash, one line each.</summary>
    public required IReadOnlyList<string> FileFaults { get; init; }
}
