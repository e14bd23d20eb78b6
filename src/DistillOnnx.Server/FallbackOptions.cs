using DistillOnnx.Core;
using DistillOnnx.Stages.Options;
using DistillOnnx.Teacher.Clients;

namespace DistillOnnx.Server;

/// <summary>The teacher that answers what a model abstains from, and what it may take.</summary>
public sealed record FallbackOptions
{
    /// <summary>Which teacher.</summary>
    [Option(
        "a teacher that answers the inputs that a model abstains from; texts are sent to it. Left out: an abstention is the answer",
        Value = "openai:MODEL@URL|anthropic:MODEL|azure:DEPLOYMENT@URL|ollama:MODEL|genai:DIR")]
    public string? Fallback { get; init; }

    /// <summary>Where its answers are kept.</summary>
    [Option(
        "directory that keeps the fallback's answers: none is paid twice, and annotate --journal reads the same; needed with --fallback",
        Value = "DIR")]
    public string? FallbackJournal { get; init; }

    /// <summary>How long its answer is waited for.</summary>
    [Option("longest time in seconds that a call waits for the fallback, and never beyond its deadline; then it gets the abstention")]
    public double FallbackSeconds { get; init; } = 5;

    /// <summary>Most inputs that it is asked at a time.</summary>
    [Option("most inputs that the fallback is asked at a time; what comes beyond waits, as long as its call does")]
    public int FallbackConcurrency { get; init; } = 8;

    /// <summary>How often it is asked.</summary>
    [Option("most requests to the fallback in a minute; left out: no limit")]
    public double? FallbackRequestsPerMinute { get; init; }

    /// <summary>How much it may cost.</summary>
    [Option("most US dollars for all answers in the fallback's journal; left out: no limit", Value = "DOLLARS")]
    public double? FallbackBudget { get; init; }

    /// <summary>What its answers cost.</summary>
    [Option("table of prices for --fallback-budget, as annotate --prices takes it; left out: the one that ships", Value = "FILE")]
    public string? FallbackPrices { get; init; }

    /// <summary>How it is asked.</summary>
    [Option("how the fallback is asked: a built-in prompt's name or a file, as annotate --prompt takes it; left out: by the task's kind")]
    public string? FallbackPrompt { get; init; }

    /// <summary>The endpoint's key.</summary>
    [Option("the key of the fallback's endpoint", Secret = true)]
    public string? FallbackApiKey { get; init; }

    /// <summary>All faults, empty where there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (Fallback is null)
        {
            if (FallbackJournal is not null || FallbackBudget is not null || FallbackPrompt is not null || FallbackApiKey is not null)
                faults.Add("fallback-journal, fallback-budget, fallback-prompt and fallback-api-key need fallback");
            return faults;
        }

        try
        {
            if (TeacherSpec.Parse(Fallback).Kind == "rules") faults.Add("fallback: rules answers generated data alone; name a model");
        }
        catch (InputException e)
        {
            faults.Add(e.Message.Replace("--teacher", "fallback", StringComparison.Ordinal));
        }

        if (FallbackJournal is null) faults.Add("fallback needs fallback-journal: a directory that keeps its answers");
        if (!(FallbackSeconds is > 0 and <= 600))
            faults.Add(FormattableString.Invariant($"fallback-seconds must be above 0 and at most 600, found {FallbackSeconds}"));
        if (FallbackConcurrency is < 1 or > 1024)
            faults.Add($"fallback-concurrency must be between 1 and 1024, found {FallbackConcurrency}");
        if (FallbackRequestsPerMinute is <= 0)
            faults.Add(
                FormattableString.Invariant($"fallback-requests-per-minute must be above 0, found {FallbackRequestsPerMinute}"));
        if (FallbackBudget is < 0) faults.Add(FormattableString.Invariant($"fallback-budget must not be negative, found {FallbackBudget}"));
        return faults;
    }
}
