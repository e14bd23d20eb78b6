namespace DistillOnnx.Server.Models;

/// <summary>How long rationales get, and how many inputs may wait for one.</summary>
/// <param name="Tokens">Most tokens of a rationale.</param>
/// <param name="Rows">Most inputs of a model version that may wait, the one whose rationale is being written included.</param>
internal sealed record RationaleLimits(int Tokens = 128, int Rows = 64)
{
    /// <summary>Most inputs of one caller that may wait: three quarters, and of few all but one.</summary>
    public int CallerRows => Math.Max(1, Rows - Math.Max(1, Rows / 4));
}
