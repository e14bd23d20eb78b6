using DistillOnnx.Stages.Options;

namespace DistillOnnx.Training.Trainer;

/// <summary>What to train, on what, and how.</summary>
public sealed record TrainOptions : RunOptions
{
    /// <summary>Weight of the label loss where none is given.</summary>
    public const double DefaultAlpha = 0.5;

    /// <summary>Times that the training rows are seen where nothing is said.</summary>
    public const double DefaultEpochs = 10;

    /// <summary>Pieces of a tokenizer that is trained where no number is given.</summary>
    public const int DefaultVocabularySize = 4000;

    /// <summary>Fewest pieces of a tokenizer.</summary>
    public const int LeastVocabularySize = 64;

    /// <summary>Longest rationale in tokens where no number is given.</summary>
    public const int DefaultMaxRationaleTokens = 256;

    /// <summary>All defaults.</summary>
    public TrainOptions()
    {
    }

    /// <summary>Defaults, but for what everything that trains has in common.</summary>
    /// <param name="shared">Where that is taken from.</param>
    public TrainOptions(OptimizationOptions shared)
        : base(shared)
    {
    }

    /// <summary>The dataset directory.</summary>
    [Option("dataset directory with train.jsonl and, to select the best checkpoint, validation.jsonl", Value = "DIR", Required = true)]
    public string Data { get; init; } = "";

    /// <summary>The base of a student that is a LoRA adapter.</summary>
    [Option("base of a student that is a LoRA adapter, which is merged into it; left out: the one that the adapter names", Value = "DIR")]
    public string? Base { get; init; }

    /// <summary>What is taught.</summary>
    [Option("step-by-step (labels and rationales as two tasks), standard (labels) or single-task (both in one target)")]
    public TrainingMethod Method { get; init; } = TrainingMethod.StepByStep;

    /// <summary>Whose labels are learnt.</summary>
    [Option("whose labels to learn: gold or teacher (distillation)")]
    public LabelSource Labels { get; init; } = LabelSource.Gold;

    /// <summary>Weight of the label loss; the rationale loss has the rest; null: <see cref="DefaultAlpha"/>.</summary>
    [Option("weight of the label loss in step-by-step; the rationale loss weighs 1 − alpha (default: 0.5)", Value = "SHARE")]
    public double? Alpha { get; init; }

    /// <summary>That weight at the last step, to which it moves in a straight line; null: it stays.</summary>
    [Option(
        "weight of the label loss at the last step, to which it moves from --alpha in a straight line, for instance --alpha 0.2 "
        + "--alpha-end 0.8: rationales first, labels last (default: it stays)",
        Value = "SHARE")]
    public double? AlphaEnd { get; init; }

    /// <summary>What the label loss is.</summary>
    [Option(
        "tokens (cross-entropy over the vocabulary, a mean over the labels' tokens), labels (the same, a mean over labels, each of which "
        + "counts once whatever its tokens), closed-set (−ln of the label's probability among the labels or the row's choices, which is "
        + "what is served; needs a closed set) or auto (labels in step-by-step where there is a closed set, otherwise tokens)")]
    public LabelLoss LabelLoss { get; init; } = LabelLoss.Auto;

    /// <summary>Share of the training rows that is used, drawn by <see cref="Seed"/>.</summary>
    [Option("share of the training rows to use, drawn by --seed", Value = "SHARE")]
    public double Fraction { get; init; } = 1;

    /// <summary>A directory with <c>spiece.model</c>; null: the student checkpoint's, or one trained on the training text.</summary>
    [Option(
        "directory with spiece.model (default: the student checkpoint's; for a preset one is trained on the training text)",
        Value = "DIR")]
    public string? Tokenizer { get; init; }

    /// <summary>Pieces of a tokenizer that is trained; null: <see cref="DefaultVocabularySize"/>.</summary>
    [Option("pieces of the tokenizer that is trained where a preset is given none (default: 4000)", Value = "PIECES")]
    public int? VocabularySize { get; init; }

    /// <summary>Times that the training rows are seen; null: <see cref="DefaultEpochs"/>.</summary>
    [Option("times to go through the training rows (default: 10)", Value = "COUNT")]
    public double? Epochs { get; init; }

    /// <summary>Optimizer steps; null: as <see cref="Epochs"/> says.</summary>
    [Option("optimizer steps (default: as --epochs says)", Value = "STEPS")]
    public int? MaxSteps { get; init; }

    /// <summary>Tokens to train on; null: as <see cref="MaxSteps"/> or <see cref="Epochs"/> say.</summary>
    [Option(
        "as many optimizer steps as about so many tokens make, inputs and targets counted, in place of --max-steps: step-by-step takes "
        + "fewer steps than standard, for the same work",
        Value = "TOKENS")]
    public long? MaxTokens { get; init; }

    /// <summary>Rows of a batch.</summary>
    [Option("rows of a batch", Value = "ROWS")]
    public int BatchSize { get; init; } = 64;

    /// <summary>Batches of a step.</summary>
    [Option("batches whose gradients make one optimizer step", Value = "BATCHES")]
    public int Accumulate { get; init; } = 1;

    /// <summary>Batches among which rows of like length are put together.</summary>
    [Option("batches among which rows of like length are put together; 1: none", Value = "BATCHES")]
    public int BucketWindow { get; init; } = 1;

    /// <summary>Share of activations dropped; null: the student's configuration's.</summary>
    [Option("share of activations dropped in training (default: the student's configuration)", Value = "SHARE")]
    public double? Dropout { get; init; }

    /// <summary>Longest input in tokens; null: as the dataset's <c>task.json</c> says, and 1024 where it says none.</summary>
    [Option(
        "longest input in tokens, prefix and end token included; longer ones are cut (default: the dataset's max_input_tokens, else "
        + "1024)",
        Value = "TOKENS")]
    public int? MaxInputTokens { get; init; }

    /// <summary>
    /// Longest label in tokens; null: as the dataset's <c>task.json</c> says, and that of the training rows where it says none.
    /// </summary>
    [Option("longest label in tokens (default: the dataset's max_label_tokens, else that of the training rows)", Value = "TOKENS")]
    public int? MaxLabelTokens { get; init; }

    /// <summary>Longest rationale in tokens; null: <see cref="DefaultMaxRationaleTokens"/>.</summary>
    [Option("longest rationale in tokens; longer ones are cut (default: 256)", Value = "TOKENS")]
    public int? MaxRationaleTokens { get; init; }

    /// <summary>Steps between evaluations; null: ten in all, and at least one an epoch.</summary>
    [Option("steps between evaluations on the validation rows (default: one an epoch, and at least ten in all)", Value = "STEPS")]
    public int? EvaluateEvery { get; init; }

    /// <summary>Most validation rows; null: all.</summary>
    [Option("most validation rows to evaluate on (default: all)", Value = "ROWS")]
    public int? EvaluateRows { get; init; }

    /// <summary>What decides which evaluation's weights are kept.</summary>
    [Option("keep the weights with the best accuracy, macro-f1 (mean F1 of the classes) or loss on the validation rows")]
    public SelectionMetric SelectOn { get; init; } = SelectionMetric.Accuracy;

    /// <summary>What each class weighs in the label loss.</summary>
    [Option(
        "weights of the classes in the label loss: none, balanced (inversely to their rows) or a JSON file {\"label\": weight, …}",
        Value = "none|balanced|FILE")]
    public string ClassWeights { get; init; } = Trainer.ClassWeights.None;

    /// <summary>How often rows of each class are drawn.</summary>
    [Option(
        "rows of an epoch: uniform (every row once), balanced (as many of every class) "
        + "or temperature=T (a class of n rows in proportion to n^(1/T))",
        Value = "uniform|balanced|temperature=T")]
    public string Sampling { get; init; } = SamplingRule.Uniform;

    /// <summary>Evaluations without a gain after which training stops; 0: never.</summary>
    [Option("evaluations without a gain after which training stops; 0: never", Value = "COUNT")]
    public int Patience { get; init; }

    /// <summary>Whether to keep that state when the run is done.</summary>
    [Option("keep what --resume needs when the run is done, to continue with more steps")]
    public bool KeepResume { get; init; }

    /// <summary>Decides initial weights, order of the rows, dropout and the drawn fraction.</summary>
    [Option("decides initial weights, order of the rows, dropout and the drawn fraction")]
    public long Seed { get; init; }

    /// <summary>What is wrong with a number of epochs, for instance where steps or tokens are given beside it; null: nothing.</summary>
    public static string? EpochsFault(double? epochs, int? maxSteps, long? maxTokens) =>
        epochs is null ? null
        : !(epochs > 0) || !double.IsFinite(epochs.Value) ? $"--epochs: expected a number above 0, found {epochs}"
        : maxSteps is not null ? "--epochs and --max-steps exclude each other"
        : maxTokens is not null ? "--epochs and --max-tokens exclude each other"
        : null;

    /// <summary>Why single-task cannot have a label loss; null where it can.</summary>
    public static string? LabelLossFault(LabelLoss loss) => loss switch
    {
        LabelLoss.ClosedSet => "--label-loss closed-set: single-task's targets go on after the label, so they are no closed set",
        LabelLoss.Labels => "--label-loss labels: single-task's targets go on after the label, so they are no labels",
        _ => null,
    };

    /// <inheritdoc/>
    public override IReadOnlyList<string> Validate()
    {
        var faults = RunFaults();
        void AtLeast(string name, double? value, double low) => RequireAtLeast(faults, name, value, low);

        void Share(string name, double? value, bool zero, bool one)
        {
            if (value is { } v && !(v >= 0 && v <= 1 && (zero || v > 0) && (one || v < 1)))
                faults.Add($"--{name}: expected a share {(zero ? "from 0" : "above 0")} {(one ? "to 1" : "and below 1")}, found {v}");
        }

        if (Data.Length == 0) faults.Add("--data is missing");
        Share("alpha", Alpha, zero: true, one: true);
        Share("alpha-end", AlphaEnd, zero: true, one: true);
        if (Method != TrainingMethod.StepByStep)
        {
            if (Alpha is not null) faults.Add("--alpha: only step-by-step has two losses to weigh");
            if (AlphaEnd is not null) faults.Add("--alpha-end: only step-by-step has two losses to weigh");
        }

        if (Method == TrainingMethod.SingleTask && LabelLossFault(LabelLoss) is { } loss) faults.Add(loss);
        Share("fraction", Fraction, zero: false, one: true);
        Share("dropout", Dropout, zero: true, one: false);
        AtLeast("vocabulary-size", VocabularySize, LeastVocabularySize);
        if (EpochsFault(Epochs, MaxSteps, MaxTokens) is { } unused) faults.Add(unused);
        if (Method == TrainingMethod.Standard && MaxRationaleTokens is not null)
            faults.Add("--max-rationale-tokens: --method standard reads no rationales");
        AtLeast("max-steps", MaxSteps, 1);
        AtLeast("max-tokens", MaxTokens, 1);
        if (MaxTokens is not null && MaxSteps is not null) faults.Add("--max-tokens and --max-steps exclude each other");
        AtLeast("batch-size", BatchSize, 1);
        AtLeast("accumulate", Accumulate, 1);
        AtLeast("bucket-window", BucketWindow, 1);
        AtLeast("max-input-tokens", MaxInputTokens, 2);
        AtLeast("max-label-tokens", MaxLabelTokens, 1);
        AtLeast("max-rationale-tokens", MaxRationaleTokens, 1);
        AtLeast("evaluate-every", EvaluateEvery, 1);
        AtLeast("evaluate-rows", EvaluateRows, 1);
        AtLeast("patience", Patience, 0);
        if (ClassWeights.Length == 0) faults.Add("--class-weights: expected none, balanced or a file, found nothing");
        if (SamplingRule.Fault(Sampling) is { } sampling) faults.Add($"--sampling: {sampling}");
        return faults;
    }
}
