using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>Whether and how rationales are written beside labels; shared by the stages that can.</summary>
public sealed record ExplainOptions
{
    /// <summary>Also write each row's rationale: the student's own words, not a proof of its label.</summary>
    [Option("also write each row's rationale: the student's own words, not a proof of its label")]
    public bool Explain { get; init; }

    /// <summary>Most tokens of a rationale.</summary>
    [Option("most tokens of a rationale")]
    public int RationaleTokens { get; init; } = new ExplainSettings().MaxTokens;

    /// <summary>Beams of the search for a rationale; 1: greedy.</summary>
    [Option("beams of the search for a rationale; 1 is greedy")]
    public int RationaleBeams { get; init; } = new ExplainSettings().Beams;

    /// <summary>What the student is asked for; null where no rationales are.</summary>
    internal ExplainSettings? Settings => Explain ? new ExplainSettings { MaxTokens = RationaleTokens, Beams = RationaleBeams } : null;

    /// <summary>All faults, empty where there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (RationaleTokens < 1) faults.Add($"--rationale-tokens must be at least 1, found {RationaleTokens}");
        if (RationaleBeams is < 1 or > RuntimeOptions.MaxBeams)
            faults.Add($"--rationale-beams must be from 1 to {RuntimeOptions.MaxBeams}, found {RationaleBeams}");
        if (!Explain && this != new ExplainOptions()) faults.Add("--rationale-tokens and --rationale-beams go with --explain");
        return faults;
    }
}
