namespace DistillOnnx.Stages.Options;

/// <summary>What every program takes beside the options of its verb.</summary>
public record ProgramOptions : IStageOptions
{
    /// <summary>A configuration file.</summary>
    [Option("read options from a JSON file; flags are stronger, the environment is weaker", Value = "FILE")]
    public string? Config { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate() => [];
}
