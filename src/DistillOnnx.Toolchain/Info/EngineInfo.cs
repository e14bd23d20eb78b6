namespace DistillOnnx.Toolchain.Info;

/// <summary>One native engine.</summary>
public sealed record EngineInfo
{
    /// <summary>Its version; null where it does not load.</summary>
    public string? Version { get; init; }

    /// <summary>Whether its native library loads.</summary>
    public required bool Loads { get; init; }

    /// <summary>Devices or execution providers it can use.</summary>
    public required IReadOnlyList<string> Devices { get; init; }

    /// <summary>Why it does not load; null where it does.</summary>
    public string? Fault { get; init; }
}
