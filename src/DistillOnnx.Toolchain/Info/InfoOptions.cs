using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Info;

/// <summary>What <c>distill info</c> looks at.</summary>
public sealed record InfoOptions : IStageOptions
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Validate() => [];
}
