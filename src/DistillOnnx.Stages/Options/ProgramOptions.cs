using DistillOnnx.Core.Native;

namespace DistillOnnx.Stages.Options;

/// <summary>What every program takes beside the options of its verb.</summary>
public record ProgramOptions : IStageOptions
{
    /// <summary>A configuration file.</summary>
    [Option("read options from a JSON file; flags are stronger, the environment is weaker", Value = "FILE")]
    public string? Config { get; init; }

    /// <summary>The libtorch of a program that brings none; see <see cref="LibTorchFolder"/>.</summary>
    [Option(
        "lib folder of an installed PyTorch, for a build with -p:LibTorch=external: the libtorch and the CUDA libraries to use "
        + $"(default: {LibTorchFolder.Variable})",
        Value = "DIR")]
    public string? Libtorch { get; init; }

    /// <summary>Puts into effect what concerns the whole process. Call it before a stage runs.</summary>
    public void Apply()
    {
        if (Libtorch is { } folder) LibTorchFolder.Path = folder;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate() => [];
}
