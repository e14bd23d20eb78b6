namespace DistillOnnx.Core.Bundles;

/// <summary>
/// How raw label probabilities become calibrated ones: softmax(log p / temperature). The fit allows for one mistake not seen
/// yet, so that a model that was right on all n rows claims about 1 − 1/(n + 2), not certainty.
/// </summary>
public sealed record BundleCalibration
{
    /// <summary>The temperature, fitted on validation rows.</summary>
    public required double Temperature { get; init; }

    /// <summary>Expected calibration error of the raw probabilities on those rows.</summary>
    public double EceBefore { get; init; }

    /// <summary>The same of the calibrated ones.</summary>
    public double EceAfter { get; init; }

    /// <summary>Number of rows.</summary>
    public int Rows { get; init; }
}
