namespace DistillOnnx.Toolchain.Info;

/// <summary>What this machine and this build can do.</summary>
public sealed record InfoResult
{
    /// <summary>Version of the toolchain.</summary>
    public required string Version { get; init; }

    /// <summary>Which native packages it was built for: <c>cpu</c> or <c>cuda</c>.</summary>
    public required string Accelerator { get; init; }

    /// <summary>The .NET runtime.</summary>
    public required string Runtime { get; init; }

    /// <summary>Operating system and processor architecture.</summary>
    public required string System { get; init; }

    /// <summary>Processor cores.</summary>
    public required int Cores { get; init; }

    /// <summary>Memory that this process may use, in GiB.</summary>
    public required double MemoryGib { get; init; }

    /// <summary>Widest vector instructions: they decide how fast CPU inference is.</summary>
    public required string Vectors { get; init; }

    /// <summary>The training engine.</summary>
    public required EngineInfo Torch { get; init; }

    /// <summary>The libtorch below it.</summary>
    public required LibTorchInfo LibTorch { get; init; }

    /// <summary>The inference engine.</summary>
    public required EngineInfo OnnxRuntime { get; init; }

    /// <summary>Kinds of teachers that <c>annotate</c> may ask.</summary>
    public required IReadOnlyList<string> Teachers { get; init; }

    /// <summary>Names of the student presets.</summary>
    public required IReadOnlyList<string> Presets { get; init; }

    /// <summary>What is missing, each with how to get it.</summary>
    public required IReadOnlyList<string> Missing { get; init; }
}
