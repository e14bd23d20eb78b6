using DistillOnnx.Core.Bundles;

namespace DistillOnnx.Toolchain.Export;

/// <summary>What an export came to.</summary>
public sealed record ExportResult
{
    /// <summary>The bundle directory.</summary>
    public required string Bundle { get; init; }

    /// <summary>A name for exactly these files.</summary>
    public required string Version { get; init; }

    /// <summary>How closely the full-precision graphs follow the checkpoint; null where there are none.</summary>
    public BundleParity? Parity { get; init; }

    /// <summary>The precisions: bytes, accuracy and its loss, difference from the checkpoint.</summary>
    public required IReadOnlyDictionary<string, BundlePrecision> Precisions { get; init; }

    /// <summary>How raw probabilities become calibrated ones; null where no dataset was given or the task is open.</summary>
    public BundleCalibration? Calibration { get; init; }

    /// <summary>What the label model holds of the student's decoder; null where there is none.</summary>
    public LabelModelFacts? LabelModel { get; init; }

    /// <summary>Time in seconds.</summary>
    public required double Seconds { get; init; }
}
