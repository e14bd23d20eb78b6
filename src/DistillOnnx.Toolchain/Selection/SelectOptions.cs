using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Stages.Options;
using DistillOnnx.Toolchain.Evaluation;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>Which rows of a pool <c>distill select</c> takes.</summary>
public sealed record SelectOptions : IStageOptions
{
    /// <summary>The pool.</summary>
    [Option("dataset directory whose rows are to choose among; labels are not read", Value = "POOL", Required = true)]
    public string Data { get; init; } = "";

    /// <summary>The student that is asked about them; not needed for <see cref="SelectionRule.Random"/>.</summary>
    [Option(
        "student that is asked about the rows: checkpoint or bundle directory; not needed with --by random", Value = "CHECKPOINT|BUNDLE")]
    public string Model { get; init; } = "";

    /// <summary>How many rows to take.</summary>
    [Option("rows to take", Value = "ROWS", Required = true)]
    public int Count { get; init; }

    /// <summary>How they are chosen.</summary>
    [OptionGroup]
    public SelectionOptions Selection { get; init; } = new();

    /// <summary>Where they go.</summary>
    [Option("dataset directory to write: the rows taken, best first; other splits are copied", Value = "DATASET", Required = true)]
    public string Out { get; init; } = "";

    /// <summary>The split that is chosen from.</summary>
    [Option("split to choose from", Value = "train|validation|test")]
    public string Split { get; init; } = SplitNames.Train;

    /// <summary>Datasets whose rows are annotated already.</summary>
    [Option(
        "datasets whose train rows are annotated already: their inputs are not taken again, and coverage begins from them",
        Value = "DATASET")]
    public IReadOnlyList<string> Annotated { get; init; } = [];

    /// <summary>What is drawn, and what decides between equals.</summary>
    [Option("what is drawn at random, and what decides between rows that are equal")]
    public long Seed { get; init; }

    /// <summary>Replaces an existing output.</summary>
    [Option("replace an existing output")]
    public bool Overwrite { get; init; }

    /// <summary>How the student is run.</summary>
    [OptionGroup]
    public InferenceOptions Inference { get; init; } = new();

    /// <summary>Datasets beside <see cref="Data"/> whose train rows belong to the pool.</summary>
    internal IReadOnlyList<string> Further { get; init; } = [];

    /// <summary>Whether the other splits are left out.</summary>
    internal bool SplitAlone { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (Data.Length == 0) faults.Add("--data is missing");
        if (Out.Length == 0) faults.Add("--out is missing");
        if (Count < 1) faults.Add($"--count: expected at least 1, found {Count}");
        else faults.AddRange(Selection.Validate(Count));
        if (Model.Length == 0 && Selection.By != SelectionRule.Random)
            faults.Add($"--model is missing: --by {Selection.By.ToString().ToLowerInvariant()} asks a student about the rows");
        if (SplitOption.Fault(Split) is { } split) faults.Add(split);
        faults.AddRange(Inference.Validate());
        return faults;
    }
}
