namespace DistillOnnx.Toolchain.Inspect;

/// <summary>What a directory holds: exactly one of the parts is set.</summary>
public sealed record InspectResult
{
    /// <summary>The directory.</summary>
    public required string Directory { get; init; }

    /// <summary><c>checkpoint</c>, <c>adapter</c>, <c>bundle</c> or <c>dataset</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>A checkpoint's or an adapter's facts.</summary>
    public CheckpointFacts? Checkpoint { get; init; }

    /// <summary>A bundle's facts.</summary>
    public BundleFacts? Bundle { get; init; }

    /// <summary>A dataset's facts.</summary>
    public DatasetFacts? Dataset { get; init; }

    /// <summary>The page that was written.</summary>
    public string? Report { get; init; }
}
