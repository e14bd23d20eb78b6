using DistillOnnx.Stages.Options;

namespace DistillOnnx.Server;

/// <summary>Which inputs a server keeps for the next round of training, where, and within which bounds.</summary>
public sealed record CollectOptions
{
    /// <summary>Where inputs are kept.</summary>
    [Option(
        "a directory to keep inputs in that the model abstains from, as rows of a dataset for the next round of training; left out: "
        + "none are kept", Value = "DIR")]
    public string? Collect { get; init; }

    /// <summary>Below which probability an input is kept.</summary>
    [Option("with --collect, also keep inputs whose label has a probability below this one")]
    public double CollectBelow { get; init; }

    /// <summary>The share of the others that is kept.</summary>
    [Option("with --collect, also keep this share of all other inputs, taken at random, so that the set is not only doubts")]
    public double CollectShare { get; init; }

    /// <summary>How often inputs are kept.</summary>
    [Option("with --collect, most inputs kept in a minute; what comes beyond is not kept")]
    public int CollectRowsPerMinute { get; init; } = 600;

    /// <summary>How much is kept.</summary>
    [Option("with --collect, most megabytes (1,000,000 bytes) kept; where there are more, the oldest file goes")]
    public int CollectMegabytes { get; init; } = 256;

    /// <summary>How long a file is kept.</summary>
    [Option("with --collect, days after which a file is removed; 0: never")]
    public double CollectDays { get; init; } = 30;

    /// <summary>What is taken out of a text before it is kept.</summary>
    [Option(
        "with --collect, a file of regular expressions, one a line, perhaps followed by a tab and what to put in the place of a match "
        + "([redacted] where there is none): applied to texts and choices before anything is kept", Value = "FILE")]
    public string? CollectRedact { get; init; }

    /// <summary>All faults, empty where there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        void Range(string name, double value, double low, double high)
        {
            if (!(value >= low && value <= high))
                faults.Add(FormattableString.Invariant($"{name} must be between {low} and {high}, found {value}"));
        }

        Range("collect-below", CollectBelow, 0, 1);
        Range("collect-share", CollectShare, 0, 1);
        Range("collect-rows-per-minute", CollectRowsPerMinute, 1, 10_000_000);
        Range("collect-megabytes", CollectMegabytes, 1, 1_000_000);
        Range("collect-days", CollectDays, 0, 100_000);
        if (Collect is null && (CollectBelow != 0 || CollectShare != 0 || CollectRedact is not null))
            faults.Add("collect-below, collect-share and collect-redact need collect");
        if (Collect is not null && File.Exists(Collect)) faults.Add($"--collect {Collect}: expected a directory, found a file");
        return faults;
    }
}
