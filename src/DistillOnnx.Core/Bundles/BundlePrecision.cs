namespace DistillOnnx.Core.Bundles;

/// <summary>One precision of a bundle.</summary>
public sealed record BundlePrecision
{
    /// <summary>The names of its graphs, without suffix and extension.</summary>
    public required IReadOnlyList<string> Graphs { get; init; }

    /// <summary>Bytes of its graphs, values in files beside them included.</summary>
    public long Bytes { get; init; }

    /// <summary>How weights are stored and multiplied, in words.</summary>
    public string Description { get; init; } = "";

    /// <summary>
    /// Whether a row's answer is the same whatever other rows share its run. True of all graphs but int8 ones that were written when
    /// activations had one scale for the whole run; their manifests say nothing.
    /// </summary>
    public bool RowsIndependent { get; init; }

    /// <summary>Accuracy on the validation rows, a fraction of one; null where none were given.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Accuracy less that of full precision, a fraction of one; null where none was measured.</summary>
    public double? AccuracyDelta { get; init; }

    /// <summary>Largest relative difference of its output from the checkpoint's; null where it was not measured.</summary>
    public double? MaxRelativeError { get; init; }
}
