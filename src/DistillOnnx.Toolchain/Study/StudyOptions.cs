using System.Globalization;
using DistillOnnx.Stages.Options;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.World;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Study;

/// <summary>The paper's comparison: which runs to make.</summary>
public sealed record StudyOptions : OptimizationOptions, IStageOptions
{
    /// <summary>Training rows of a generated dataset where no number is given.</summary>
    internal const int DefaultWorldRows = 4800;

    private static readonly string[] Depths =
        [.. Enumerable.Range(1, WorldGenerator.MaxDepth).Select(d => d.ToString(CultureInfo.InvariantCulture))];

    /// <summary>Datasets, each <c>DIR</c> or <c>NAME=DIR</c>; several differ, for instance, in whose rationales they hold.</summary>
    [Option(
        "dataset directories, each DIR or NAME=DIR, for instance one with the teacher's rationales and one with people's",
        Value = "[NAME=]DIR")]
    public IReadOnlyList<string> Data { get; init; } = [];

    /// <summary>Depths of the generated world.</summary>
    [Option(
        "steps of reasoning, each 1 to 4, of the questions of a generated dataset whose teacher explains every step; trained together, "
        + "measured together and by depth; in place of --data or beside it",
        Value = "DEPTH")]
    public IReadOnlyList<string> World { get; init; } = [];

    /// <summary>Training rows of the generated world; null: 4800.</summary>
    [Option("training rows of --world, of which --fractions are shares (default: 4800)", Value = "ROWS")]
    public int? WorldRows { get; init; }

    /// <summary>Students, each a preset, a checkpoint or a <c>config.json</c>, or <c>NAME=</c> one of them.</summary>
    [Option(
        "students, each a preset, a checkpoint directory or a config.json, with or without NAME= before it",
        Value = "[NAME=]STUDENT",
        Required = true)]
    public IReadOnlyList<string> Students { get; init; } = [];

    /// <summary>Where the study goes.</summary>
    [Option("directory to write: results.csv, report.md, plots and the runs' reports", Value = "DIR", Required = true)]
    public string Out { get; init; } = "";

    /// <summary>Whether an existing study may be replaced.</summary>
    [Option("replace an existing output")]
    public bool Overwrite { get; init; }

    /// <summary>Whether to resume the study in <see cref="Out"/>.</summary>
    [Option("resume the study in --out: completed runs are not repeated")]
    public bool Resume { get; init; }

    /// <summary>Methods, each with or without <c>+teacher</c>.</summary>
    [Option("methods: standard, step-by-step, single-task, each with or without +teacher (learn the teacher's labels)", Value = "METHOD")]
    public IReadOnlyList<string> Methods { get; init; } = ["standard", "step-by-step"];

    /// <summary>Shares of the training rows.</summary>
    [Option("shares of the training rows", Value = "SHARE")]
    public IReadOnlyList<string> Fractions { get; init; } = ["0.25", "0.5", "1"];

    /// <summary>Seeds.</summary>
    [Option("seeds; each decides the drawn rows, their order, initial weights and dropout", Value = "SEED")]
    public IReadOnlyList<string> Seeds { get; init; } = ["0", "1", "2"];

    /// <summary>The split that is measured on.</summary>
    [Option("split to measure on; checkpoints are chosen on validation", Value = "SPLIT")]
    public string Split { get; init; } = "test";

    /// <summary>Optimizer steps of every run; null: <see cref="Epochs"/> decides.</summary>
    [Option("optimizer steps of every run, whatever the share (default: --epochs decides)", Value = "STEPS")]
    public int? MaxSteps { get; init; }

    /// <summary>Tokens of every run; null: <see cref="MaxSteps"/> or <see cref="Epochs"/> decides.</summary>
    [Option(
        "tokens of every run, in place of --max-steps: compares methods at equal tokens, where --max-steps compares them at equal steps, "
        + "of which step-by-step's have more tokens",
        Value = "TOKENS")]
    public long? MaxTokens { get; init; }

    /// <summary>Times that a run sees its rows; null: as <c>train</c> does.</summary>
    [Option("times that a run goes through its rows (default: 10)", Value = "COUNT")]
    public double? Epochs { get; init; }

    /// <summary>Rows of a batch.</summary>
    [Option("rows of a batch", Value = "ROWS")]
    public int BatchSize { get; init; } = 64;

    /// <summary>Weight of the label loss in step-by-step; null: as <c>train</c> does.</summary>
    [Option("weight of the label loss in step-by-step (default: 0.5)", Value = "SHARE")]
    public double? Alpha { get; init; }

    /// <summary>That weight at the last step; null: it stays.</summary>
    [Option(
        "weight of the label loss at the last step, to which it moves from --alpha in a straight line (default: it stays)",
        Value = "SHARE")]
    public double? AlphaEnd { get; init; }

    /// <summary>What the label loss is.</summary>
    [Option(
        "tokens, labels (each label counts once, whatever its tokens), closed-set (−ln of the label's probability among the labels or "
        + "the row's choices) or auto (labels for step-by-step where there is a closed set, otherwise tokens)")]
    public LabelLoss LabelLoss { get; init; } = LabelLoss.Auto;

    /// <summary>Share of activations dropped; null: the student's configuration's.</summary>
    [Option("share of activations dropped in training (default: the student's configuration)", Value = "SHARE")]
    public double? Dropout { get; init; }

    /// <summary>Steps between evaluations; null: as <c>train</c> does.</summary>
    [Option("steps between evaluations on the validation rows (default: as train does)", Value = "STEPS")]
    public int? EvaluateEvery { get; init; }

    /// <summary>Evaluations without a gain after which a run stops; 0: never.</summary>
    [Option(
        "evaluations without a gain after which a run stops, 0: never; with more steps than it needs, compares methods at convergence",
        Value = "COUNT")]
    public int Patience { get; init; }

    /// <summary>Longest rationale in tokens; null: as <c>train</c> does.</summary>
    [Option("longest rationale in tokens; longer ones are cut (default: 256)", Value = "TOKENS")]
    public int? MaxRationaleTokens { get; init; }

    /// <summary>A directory with <c>spiece.model</c> for students from scratch.</summary>
    [Option(
        "directory with spiece.model (default: the student checkpoint's; for presets one is trained on the training rows of all datasets, "
        + "and shared by all runs)", Value = "DIR")]
    public string? Tokenizer { get; init; }

    /// <summary>Pieces of a tokenizer that is trained; null: as <c>train</c> does.</summary>
    [Option("pieces of the tokenizer that is trained where a preset is given none (default: 4000)", Value = "PIECES")]
    public int? VocabularySize { get; init; }

    /// <summary>Accuracies at which rows are compared.</summary>
    [Option(
        "accuracies, fractions of one, at which the rows that methods need are compared (default: each multiple of 0.05 for which they "
        + "are known)",
        Value = "ACCURACY")]
    public IReadOnlyList<string> Accuracies { get; init; } = [];

    /// <summary>Runs at once.</summary>
    [Option(
        "runs at once, each with its share of --threads; for small students two runs with a thread each are faster than one after the "
        + "other with two; on a GPU they share it",
        Value = "COUNT")]
    public int Jobs { get; init; } = 1;

    /// <summary>Whether checkpoints are kept.</summary>
    [Option("keep every run's checkpoint (default: its report alone)")]
    public bool KeepCheckpoints { get; init; }

    /// <summary>Threads of each of the runs that go at once; null: one a core.</summary>
    internal int? ThreadsOfRun() => Jobs == 1 ? Threads : Math.Max(1, (Threads ?? Environment.ProcessorCount) / Jobs);

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        void Distinct(string name, IReadOnlyList<string> values, bool required = true)
        {
            if (required && values.Count == 0) faults.Add($"--{name} is missing");
            if (values.Distinct(StringComparer.Ordinal).Count() != values.Count) faults.Add($"--{name} names one twice");
        }

        void Share(string name, double? value)
        {
            if (value is { } v && !(v is >= 0 and <= 1)) faults.Add($"--{name}: expected a share from 0 to 1, found {v}");
            if (value is not null && Methods.All(m => StudyMethod.Find(m)?.Method != TrainingMethod.StepByStep))
                faults.Add($"--{name}: only step-by-step has two losses to weigh, and --methods does not name it");
        }

        if (Data.Count + World.Count == 0) faults.Add("--data is missing, or --world");
        Distinct("data", Data, required: false);
        Distinct("world", World, required: false);
        Distinct("accuracies", Accuracies, required: false);
        Distinct("students", Students);
        Distinct("methods", Methods);
        Distinct("fractions", Fractions);
        Distinct("seeds", Seeds);
        void Named(string option, string form, IEnumerable<string> values)
        {
            foreach (var value in values.Where(v => StudyNames.Parse(v).Value.Length == 0))
                faults.Add($"--{option}: expected {form}, found \"{value}\"");
        }

        Named("data", "NAME=DIR", Data);
        Named("students", "NAME=STUDENT", Students);

        if (SplitOption.Fault(Split) is { } split) faults.Add(split);
        if (Out.Length == 0) faults.Add("--out is missing");
        if (Overwrite && Resume) faults.Add("--overwrite and --resume exclude each other");
        foreach (var method in Methods.Where(m => StudyMethod.Find(m) is null))
            faults.Add($"--methods: expected standard, step-by-step or single-task, with or without +teacher, found \"{method}\"");
        foreach (var share in Fractions)
        {
            if (!double.TryParse(share, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !(value is > 0 and <= 1))
                faults.Add($"--fractions: expected shares above 0 to 1, found \"{share}\"");
        }

        foreach (var seed in Seeds.Where(s => !long.TryParse(s, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)))
            faults.Add($"--seeds: expected whole numbers, found \"{seed}\"");
        foreach (var depth in World.Where(d => !Depths.Contains(d)))
            faults.Add($"--world: expected depths {string.Join(", ", Depths)}, found \"{depth}\"");
        if (WorldRows is < 1 or > WorldDataset.MaxRows)
            faults.Add($"--world-rows: expected 1 to {WorldDataset.MaxRows}, found {WorldRows}");
        foreach (var accuracy in Accuracies)
        {
            if (!double.TryParse(accuracy, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !(value is > 0 and < 1))
                faults.Add($"--accuracies: expected fractions between 0 and 1, found \"{accuracy}\"");
        }

        if (MaxTokens is < 1) faults.Add($"--max-tokens: expected at least 1, found {MaxTokens}");
        if (MaxTokens is not null && MaxSteps is not null) faults.Add("--max-tokens and --max-steps exclude each other");
        var singleTask = Methods.Any(m => StudyMethod.Find(m)?.Method == TrainingMethod.SingleTask);
        if (singleTask && TrainOptions.LabelLossFault(LabelLoss) is { } loss) faults.Add(loss);
        Share("alpha", Alpha);
        Share("alpha-end", AlphaEnd);
        if (MaxSteps is < 1) faults.Add($"--max-steps: expected at least 1, found {MaxSteps}");
        if (TrainOptions.EpochsFault(Epochs, MaxSteps, MaxTokens) is { } unused) faults.Add(unused);
        if (World.Count == 0 && WorldRows is not null) faults.Add("--world-rows: needs --world");
        if (VocabularySize < TrainOptions.LeastVocabularySize)
            faults.Add($"--vocabulary-size: expected at least {TrainOptions.LeastVocabularySize}, found {VocabularySize}");
        else if (VocabularySize is not null && !StudyTokenizer.IsTrained(this))
            faults.Add("--vocabulary-size: no tokenizer is trained: --tokenizer or the students bring one");
        if (MaxRationaleTokens is not null && Methods.All(m => StudyMethod.Find(m) is { ReadsRationales: false }))
            faults.Add("--max-rationale-tokens: no method of --methods reads rationales");
        if (BatchSize < 1) faults.Add($"--batch-size: expected at least 1, found {BatchSize}");
        if (Patience < 0) faults.Add($"--patience: expected at least 0, found {Patience}");
        if (MaxRationaleTokens < 1) faults.Add($"--max-rationale-tokens: expected at least 1, found {MaxRationaleTokens}");
        if (Jobs is < 1 or > 1024) faults.Add($"--jobs: expected 1 to 1024, found {Jobs}");
        faults.AddRange(OptimizationFaults());
        return faults;
    }
}
