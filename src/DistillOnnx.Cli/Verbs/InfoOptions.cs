using DistillOnnx.Stages.Options;

namespace DistillOnnx.Cli.Verbs;

/// <summary>Options of <c>distill info</c>.</summary>
internal sealed record InfoOptions : IStageOptions
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Validate() => [];
}
