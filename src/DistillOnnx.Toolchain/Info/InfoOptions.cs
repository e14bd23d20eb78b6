using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Info;

/// <summary>Options of <c>distill info</c>.</summary>
public sealed record InfoOptions : IStageOptions
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Validate() => [];
}
