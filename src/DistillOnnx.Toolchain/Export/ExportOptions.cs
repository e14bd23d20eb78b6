using DistillOnnx.Data;
using DistillOnnx.Export;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Export;

/// <summary>How <c>distill export</c> makes a bundle and proves it.</summary>
public sealed record ExportOptions : IStageOptions
{
    /// <summary>The checkpoint directory.</summary>
    [Option("Checkpoint directory, ours or any public T5 in Hugging Face's layout.", Value = "CHECKPOINT", Required = true)]
    public string Model { get; init; } = "";

    /// <summary>The base of a checkpoint that is a LoRA adapter.</summary>
    [Option("Base of a checkpoint that is a LoRA adapter; left out: the one that the adapter names.", Value = "CHECKPOINT")]
    public string? Base { get; init; }

    /// <summary>The bundle directory to make.</summary>
    [Option("Bundle directory to make.", Value = "BUNDLE", Required = true)]
    public string Out { get; init; } = "";

    /// <summary>Replaces an existing bundle.</summary>
    [Option("Replace an existing bundle.")]
    public bool Overwrite { get; init; }

    /// <summary>A task description for a checkpoint that has none.</summary>
    [Option("Task description (task.json), for a checkpoint that has none or in place of its own.", Value = "TASK.json")]
    public string? Task { get; init; }

    /// <summary>Dataset whose rows calibrate the probabilities and show what each precision costs.</summary>
    [Option("Dataset whose rows calibrate the probabilities and show what each precision costs in accuracy.", Value = "DATASET")]
    public string? Data { get; init; }

    /// <summary>Split of the dataset.</summary>
    [Option("Split of the dataset to use; never the one that results are reported on.", Value = "train|validation|test")]
    public string Split { get; init; } = SplitNames.Validation;

    /// <summary>Rows of the split to use, from the first; 0: all.</summary>
    [Option("Rows of the split to use, from the first; 0 means all.")]
    public int Rows { get; init; } = 2000;

    /// <summary>The precisions to write.</summary>
    [Option("Precisions to write: fp32, fp16, int8, q4.", Value = "NAMES")]
    public IReadOnlyList<string> Precision { get; init; } = ["fp32"];

    /// <summary>Which graphs to write.</summary>
    [Option("Graphs to write: all, label (the label model alone: the smallest bundle) or seq2seq (encoder and decoders alone).")]
    public GraphSet Graphs { get; init; }

    /// <summary>Whether graphs keep to ONNX's own operators.</summary>
    [Option("Use ONNX's own operators only, for runtimes that lack ONNX Runtime's contributed ones; somewhat slower on ONNX Runtime.")]
    public bool Portable { get; init; }

    /// <summary>Largest relative difference that a full-precision graph may have from the checkpoint.</summary>
    [Option("Largest relative difference that a full-precision graph may have from the checkpoint.")]
    public double MaxRelativeError { get; init; } = 1e-4;

    /// <summary>Most accuracy, in percentage points, that a precision may lose on the dataset's rows.</summary>
    [Option(
        "Most accuracy, in percentage points, that a precision may lose against full precision on the dataset's rows.", Value = "POINTS")]
    public double MaxAccuracyLoss { get; init; } = 0.5;

    /// <summary>Calibrated probability below which the model abstains.</summary>
    [Option("Calibrated probability below which the model abstains; left out: never.", Value = "P")]
    public double? AbstainBelow { get; init; }

    /// <summary>Threads that one operator may use.</summary>
    [Option("Threads that one operator may use; 0 means one a core.")]
    public int Threads { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>(ToBundleOptions().Validate());
        if (!SplitNames.All.Contains(Split, StringComparer.Ordinal))
            faults.Add($"--split must be one of {string.Join(", ", SplitNames.All)}, found \"{Split}\"");
        if (Rows < 0) faults.Add($"--rows must not be negative, found {Rows}");
        if (!(MaxRelativeError > 0)) faults.Add($"--max-relative-error must be above 0, found {MaxRelativeError}");
        if (MaxAccuracyLoss is not (>= 0 and <= 100))
            faults.Add($"--max-accuracy-loss must be between 0 and 100 points, found {MaxAccuracyLoss}");
        if (AbstainBelow is not (null or (>= 0 and <= 1))) faults.Add($"--abstain-below must be between 0 and 1, found {AbstainBelow}");
        if (Data is null) faults.AddRange(WithoutData());
        if (Threads < 0) faults.Add($"--threads must not be negative, found {Threads}");
        return faults;
    }

    // Whoever bounds the loss of accuracy must not get a bundle in which nobody measured it.
    private IEnumerable<string> WithoutData()
    {
        var defaults = new ExportOptions();
        if (Split != defaults.Split) yield return "--split needs --data";
        if (Rows != defaults.Rows) yield return "--rows needs --data";
        if (MaxAccuracyLoss != defaults.MaxAccuracyLoss) yield return "--max-accuracy-loss needs --data";
    }

    internal BundleExportOptions ToBundleOptions() => new()
    {
        Model = Model,
        Out = Out,
        Overwrite = Overwrite,
        Task = Task,
        Base = Base,
        Precision = Precision,
        Graphs = Graphs,
        Portable = Portable,
    };
}
