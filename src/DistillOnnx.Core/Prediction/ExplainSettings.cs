namespace DistillOnnx.Core.Prediction;

/// <summary>How a student writes rationales.</summary>
public sealed record ExplainSettings
{
    /// <summary>Most tokens of a rationale; a longer one is cut.</summary>
    public int MaxTokens { get; init; } = 128;

    /// <summary>Beams of the search; 1: greedy.</summary>
    public int Beams { get; init; } = 1;
}
