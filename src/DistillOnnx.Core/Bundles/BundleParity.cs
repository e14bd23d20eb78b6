namespace DistillOnnx.Core.Bundles;

/// <summary>How closely the full-precision graphs follow the checkpoint.</summary>
public sealed record BundleParity
{
    /// <summary>Largest difference over all graphs and cases, relative to the largest magnitude of the checkpoint's output.</summary>
    public required double MaxRelativeError { get; init; }

    /// <summary>The same per graph and branch.</summary>
    public IReadOnlyDictionary<string, double> Graphs { get; init; } = new Dictionary<string, double>();

    /// <summary>Batches compared per graph.</summary>
    public int Cases { get; init; }
}
