using DistillOnnx.Stages.Options;

namespace DistillOnnx.Cli.Verbs;

/// <summary>What <c>distill</c> takes with every verb.</summary>
internal sealed record CliOptions : ProgramOptions
{
    [Option("print one result object on stdout")]
    public bool Json { get; init; }

    [Option("show no progress")]
    public bool Quiet { get; init; }

    [Option("show where a failure happened")]
    public bool Verbose { get; init; }
}
