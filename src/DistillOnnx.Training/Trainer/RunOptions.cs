using DistillOnnx.Stages.Options;
using DistillOnnx.Training.Parallel;

namespace DistillOnnx.Training.Trainer;

/// <summary>The student, the output and the processes of a run: the options that training and pretraining have in common.</summary>
public abstract record RunOptions : OptimizationOptions, IStageOptions
{
    /// <summary>All defaults.</summary>
    protected RunOptions()
    {
    }

    /// <summary>Defaults, but for how weights are updated.</summary>
    /// <param name="shared">Where that is taken from.</param>
    protected RunOptions(OptimizationOptions shared)
        : base(shared)
    {
    }

    /// <summary>
    /// The student: a preset's name, a checkpoint directory, or a <c>config.json</c> whose shape is trained from scratch.
    /// </summary>
    [Option(
        "student: a preset (distill info lists them), a checkpoint directory, or a config.json to train from scratch",
        Value = "PRESET|DIR|FILE", Required = true)]
    public string Student { get; init; } = "";

    /// <summary>Where the checkpoint goes.</summary>
    [Option("checkpoint directory to write", Value = "DIR", Required = true)]
    public string Out { get; init; } = "";

    /// <summary>Whether an existing checkpoint may be replaced.</summary>
    [Option("replace an existing output")]
    public bool Overwrite { get; init; }

    /// <summary>Whether to continue the run that <see cref="Out"/> holds.</summary>
    [Option("continue an interrupted run in --out; starts anew where there is none")]
    public bool Resume { get; init; }

    /// <summary>Steps between saves of the state that a resumed run needs; null: at evaluations.</summary>
    [Option("steps between saves of what --resume needs (default: at evaluations)", Value = "STEPS")]
    public int? SaveEvery { get; init; }

    /// <summary>What joins the processes of a data-parallel run.</summary>
    [Option("none, or mpi: train in all processes that mpirun started (mpirun -n N distill …), each on its share of every batch")]
    public ParallelKind Parallel { get; init; } = ParallelKind.None;

    /// <summary>Where TensorBoard's event files go; null: none are written.</summary>
    [Option("directory for TensorBoard event files (default: none are written)", Value = "DIR")]
    public string? TensorBoard { get; init; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<string> Validate();

    /// <summary>Notes a number that is too low.</summary>
    /// <param name="faults">Gets the fault.</param>
    /// <param name="name">The option's flag without its dashes.</param>
    /// <param name="value">Its value; null: none was given.</param>
    /// <param name="low">The lowest that is allowed.</param>
    private protected static void RequireAtLeast(List<string> faults, string name, double? value, double low)
    {
        if (value is { } v && !(v >= low)) faults.Add($"--{name}: expected at least {low}, found {v}");
    }

    /// <summary>What is wrong with these.</summary>
    private protected List<string> RunFaults()
    {
        var faults = new List<string>();
        if (Student.Length == 0) faults.Add("--student is missing");
        if (Out.Length == 0) faults.Add("--out is missing");
        if (Overwrite && Resume) faults.Add("--overwrite and --resume exclude each other");
        RequireAtLeast(faults, "save-every", SaveEvery, 1);
        faults.AddRange(OptimizationFaults());
        return faults;
    }
}
