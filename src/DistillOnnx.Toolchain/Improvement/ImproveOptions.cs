using DistillOnnx.Core.Bundles;
using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Export;
using DistillOnnx.Stages.Options;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>What <c>distill improve</c> makes better, and within which limits.</summary>
public sealed record ImproveOptions : OptimizationOptions, IStageOptions
{
    /// <summary>The pool.</summary>
    [Option(
        "dataset directory: train is the pool, validation (with gold labels, may be missing) chooses checkpoints and calibrates, and every "
        + "round is measured on --split",
        Value = "POOL", Required = true)]
    public string Data { get; init; } = "";

    /// <summary>
    /// What serves now: checkpoint or bundle; or a preset, a <c>config.json</c> or a checkpoint without a task to begin from.
    /// </summary>
    [Option(
        "what serves now: checkpoint or bundle; or what a first student is made from: a preset, a config.json or a checkpoint "
        + "without task.json",
        Value = "CHECKPOINT|BUNDLE|PRESET", Required = true)]
    public string Model { get; init; } = "";

    /// <summary>What training begins from where <see cref="Model"/> is a bundle.</summary>
    [Option("what the first training begins from (default: --model; a bundle cannot be trained)", Value = "CHECKPOINT|PRESET")]
    public string? Student { get; init; }

    /// <summary>The teacher.</summary>
    [Option("teacher, as annotate takes it: openai:MODEL@URL, anthropic:MODEL, … or rules", Value = "SPEC", Required = true)]
    public string Teacher { get; init; } = "";

    /// <summary>Where the rounds go.</summary>
    [Option("directory to write: the rounds, the teacher's answers, the curve", Value = "DIR", Required = true)]
    public string Out { get; init; } = "";

    /// <summary>Whether to go on with what <see cref="Out"/> holds.</summary>
    [Option("go on with the rounds in --out, also with more --rounds or --budget; starts anew where there are none")]
    public bool Resume { get; init; }

    /// <summary>Rounds in all.</summary>
    [Option("rounds in all", Value = "ROUNDS")]
    public int Rounds { get; init; } = 3;

    /// <summary>Rows that a round asks the teacher about.</summary>
    [Option("rows that a round asks the teacher about", Value = "ROWS")]
    public int Count { get; init; } = 500;

    /// <summary>How they are chosen.</summary>
    [OptionGroup]
    public SelectionOptions Selection { get; init; } = new();

    /// <summary>The most to spend on the teacher in all rounds, in US dollars.</summary>
    [Option("stop before this is spent on the teacher, in US dollars, all rounds together", Value = "DOLLARS")]
    public double? Budget { get; init; }

    /// <summary>A table of prices; null: the one that ships.</summary>
    [Option("table of prices, as annotate takes it", Value = "FILE")]
    public string? Prices { get; init; }

    /// <summary>Inputs that a server collected; null: none.</summary>
    [Option("directory of inputs that a server collected (*.jsonl); each round adds what is there to the pool", Value = "DIR")]
    public string? Collected { get; init; }

    /// <summary>The split that is measured on and that the gate compares on.</summary>
    [Option("split to measure every round on; its rows need gold labels", Value = "validation|test")]
    public string Split { get; init; } = SplitNames.Test;

    /// <summary>The level of the gate's tests.</summary>
    [Option(
        "level of the gate: a student is refused where the exact one-sided test says that it answers all rows, or those of a class, worse "
        + "than the one that serves",
        Value = "P")]
    public double GateLevel { get; init; } = 0.05;

    /// <summary>The folder that a server looks at; null: <c>models</c> in <see cref="Out"/>.</summary>
    [Option("folder that gets the bundles that pass, as serve --model-folder takes it (default: OUT/models)", Value = "DIR")]
    public string? ModelFolder { get; init; }

    /// <summary>The model's name in the folder; null: the task's.</summary>
    [Option("name of the model in the folder (default: the task's name)", Value = "NAME")]
    public string? Name { get; init; }

    /// <summary>What a round's training begins from.</summary>
    [Option("begin each training from the last checkpoint that serves, or from the first student anew")]
    public TrainingStart TrainFrom { get; init; } = TrainingStart.Last;

    /// <summary>What is taught.</summary>
    [Option("step-by-step, standard or single-task, as in train")]
    public TrainingMethod Method { get; init; } = TrainingMethod.StepByStep;

    /// <summary>Whose labels are learnt.</summary>
    [Option("whose labels to learn: teacher, or gold where the pool has them (its rationales are the teacher's in either case)")]
    public LabelSource Labels { get; init; } = LabelSource.Teacher;

    /// <summary>Weight of the label loss; null: as <c>train</c> does.</summary>
    [Option("weight of the label loss in step-by-step (default: 0.5)", Value = "SHARE")]
    public double? Alpha { get; init; }

    /// <summary>Times that a round's training sees all annotated rows; null: as <c>train</c> does.</summary>
    [Option("times that a training goes through all rows annotated so far (default: 10)", Value = "COUNT")]
    public double? Epochs { get; init; }

    /// <summary>Optimizer steps of each training; null: as <see cref="Epochs"/> says.</summary>
    [Option("optimizer steps of each training (default: as --epochs says)", Value = "STEPS")]
    public int? MaxSteps { get; init; }

    /// <summary>Rows of a batch.</summary>
    [Option("rows of a batch", Value = "ROWS")]
    public int BatchSize { get; init; } = 64;

    /// <summary>Share of activations dropped; null: the student's configuration's.</summary>
    [Option("share of activations dropped in training (default: the student's configuration)", Value = "SHARE")]
    public double? Dropout { get; init; }

    /// <summary>Steps between evaluations; null: as <c>train</c> does.</summary>
    [Option("steps between evaluations on the validation rows (default: as train does)", Value = "STEPS")]
    public int? EvaluateEvery { get; init; }

    /// <summary>A directory with <c>spiece.model</c> for a student from scratch.</summary>
    [Option(
        "directory with spiece.model, for a first student from a preset (default: one is trained on the annotated rows)", Value = "DIR")]
    public string? Tokenizer { get; init; }

    /// <summary>Pieces of a tokenizer that is trained; null: as <c>train</c> does.</summary>
    [Option("pieces of the tokenizer that is trained where a preset is given none (default: 4000)", Value = "PIECES")]
    public int? VocabularySize { get; init; }

    /// <summary>The precision of each round's bundle.</summary>
    [Option("precision of the bundles, in which they are measured, compared and served: fp32, fp16, int8 or q4", Value = "NAME")]
    public string BundlePrecision { get; init; } = BundleManifest.FullPrecision;

    /// <summary>Most accuracy, in percentage points, that this precision may lose.</summary>
    [Option(
        "most accuracy, in percentage points, that --bundle-precision may lose against the checkpoint on the validation rows; "
        + "a larger loss ends the loop, which --resume with another limit goes on with",
        Value = "POINTS")]
    public double MaxAccuracyLoss { get; init; } = 0.5;

    /// <summary>The prompt; null: the one for the task.</summary>
    [Option("prompt template, as annotate takes it", Value = "FILE")]
    public string? Prompt { get; init; }

    /// <summary>The most tokens of an answer.</summary>
    [Option("most tokens of a teacher's answer")]
    public int MaxOutputTokens { get; init; } = 256;

    /// <summary>Requests in flight.</summary>
    [Option("requests to the teacher in flight", Value = "N")]
    public int Concurrency { get; init; } = 8;

    /// <summary>Requests per minute; null: what the endpoint accepts.</summary>
    [Option("most requests per minute (default: what the endpoint accepts)", Value = "N")]
    public double? RequestsPerMinute { get; init; }

    /// <summary>The endpoint's key.</summary>
    [Option("the endpoint's key (default: as annotate finds it)", Secret = true)]
    public string? ApiKey { get; init; }

    /// <summary>Decides what is drawn, initial weights, order of rows and dropout.</summary>
    [Option("decides what is drawn, initial weights, order of rows and dropout")]
    public long Seed { get; init; }

    /// <summary>How a model is run where it is asked and not trained.</summary>
    internal InferenceOptions Inference => new() { Device = Device, Threads = Threads ?? 0 };

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (Data.Length == 0) faults.Add("--data is missing");
        if (Model.Length == 0) faults.Add("--model is missing");
        if (Out.Length == 0) faults.Add("--out is missing");
        if (Rounds < 1) faults.Add($"--rounds: expected at least 1, found {Rounds}");
        if (Count < 1) faults.Add($"--count: expected at least 1, found {Count}");
        else faults.AddRange(Selection.Validate(Count));
        if (Split == SplitNames.Train) faults.Add("--split: train is the pool; expected validation or test");
        else if (SplitOption.Fault(Split) is { } split) faults.Add(split);
        if (!(GateLevel is > 0 and < 0.5)) faults.Add($"--gate-level: expected a probability above 0 and below 0.5, found {GateLevel}");
        if (!GraphPrecisions.Names.Contains(BundlePrecision, StringComparer.Ordinal))
            faults.Add($"--bundle-precision: expected one of {string.Join(", ", GraphPrecisions.Names)}, found \"{BundlePrecision}\"");
        if (MaxAccuracyLoss is not (>= 0 and <= 100))
            faults.Add($"--max-accuracy-loss: expected 0 to 100 points, found {MaxAccuracyLoss}");
        if (VocabularySize is not null && (Tokenizer is not null || Directory.Exists(Student ?? Model)))
            faults.Add("--vocabulary-size: no tokenizer is trained: --tokenizer or the student brings one");
        if (Name is not null && !ModelFolderVersion.IsName(Name))
            faults.Add($"--name: expected letters, digits, \"-\", \"_\" and \".\", not first, found \"{Name}\"");
        if (Data.Length > 0 && Model.Length > 0 && Out.Length > 0)
            faults.AddRange(new RoundOptions(this, 1).Faults());
        return [.. faults.Distinct(StringComparer.Ordinal)];
    }
}
