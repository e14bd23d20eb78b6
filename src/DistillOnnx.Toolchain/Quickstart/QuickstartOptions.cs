using DistillOnnx.Stages.Options;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Toolchain.Quickstart;

/// <summary>What <c>distill quickstart</c> makes, and where.</summary>
public sealed record QuickstartOptions : IStageOptions
{
    /// <summary>Directory that gets the dataset, the checkpoint and the bundle; an earlier quickstart's is replaced.</summary>
    [Option(
        "directory that gets the dataset, the checkpoint and the bundle; what an earlier quickstart left there is "
        + "replaced, anything else refused",
        Value = "DIR")]
    public string Out { get; init; } = Path.Combine("models", "quickstart");

    /// <summary>Training rows to generate.</summary>
    [Option("training rows to generate; with fewer both methods err more")]
    public int Rows { get; init; } = 3200;

    /// <summary>Optimizer steps.</summary>
    [Option("optimizer steps")]
    public int Steps { get; init; } = 2000;

    /// <summary>Seed of data and training.</summary>
    [Option("seed of data and training")]
    public int Seed { get; init; } = 1;

    /// <summary>Where to train and serve.</summary>
    [Option("where to train and serve", Value = "auto|cpu|cuda:N")]
    public string Device { get; init; } = "auto";

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (Rows is < 100 or > WorldDataset.MaxRows) faults.Add($"--rows must be between 100 and {WorldDataset.MaxRows}, found {Rows}");
        if (Steps < 1) faults.Add($"--steps must be at least 1, found {Steps}");
        if (string.IsNullOrWhiteSpace(Out)) faults.Add("--out is empty");
        return faults;
    }
}
