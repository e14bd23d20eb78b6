namespace DistillOnnx.Toolchain.Info;

/// <summary>Which libtorch the training engine uses.</summary>
public sealed record LibTorchInfo
{
    /// <summary><c>package</c>: it came with the build; <c>external</c>: it is that of an installed PyTorch.</summary>
    public required string Source { get; init; }

    /// <summary>Its folder; null where it does not load.</summary>
    public string? Folder { get; init; }

    /// <summary>Its version; null where it does not load or does not tell.</summary>
    public string? Version { get; init; }
}
