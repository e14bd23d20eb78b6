using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Checkpointing;
using DistillOnnx.Training.Schedules;

namespace DistillOnnx.Training.Trainer;

/// <summary>A run that teaches a dataset's labels and rationales.</summary>
/// <param name="options">What, on what, and how.</param>
/// <param name="reporter">Receives progress and messages.</param>
internal sealed class DatasetRun(TrainOptions options, IReporter reporter) : StudentRun<TrainOptions>(options, reporter)
{
    private const double ScratchWarmup = 0.05;
    private const int Evaluations = 10;

    private Dataset? _dataset;
    private IReadOnlyList<Example> _training = [];
    private IReadOnlyList<Example> _validation = [];

    protected override int RowsPerStep => Options.BatchSize * Options.Accumulate;

    protected override int? EvaluateEvery => Options.EvaluateEvery;

    /// <inheritdoc/>
    protected override IEnumerable<string?> InputPaths =>
        [Options.Data, Options.Student, Options.Base, Options.Tokenizer, ClassWeights.FileOf(Options.ClassWeights)];

    protected override StudentSource FindStudent() => StudentSource.Resolve(Options.Student, Options.Base);

    /// <summary>A checkpoint is fine-tuned with one rate for all of its weights.</summary>
    protected override bool ScalesParameters(StudentSource student) => student.FromScratch;

    protected override IDisposable? OpenData()
    {
        _dataset = Dataset.Open(Options.Data);
        RequireClasses(_dataset.Task);
        var chosen = Loss(_dataset.Task);
        var said = Options.LabelLoss == LabelLoss.Auto && chosen == LabelLoss.Labels;
        Options = Options with { LabelLoss = chosen };
        var need = Options.Labels == LabelSource.Gold ? LabelNeed.Gold : LabelNeed.None;
        _training = Fraction(_dataset.Load(SplitNames.Train, need), Options.Fraction, Options.Seed);
        RequireRationales();
        _validation = _dataset.Has(SplitNames.Validation) ? _dataset.Load(SplitNames.Validation, LabelNeed.None) : [];
        if (Options.EvaluateRows is { } most && _validation.Count > most) _validation = [.. _validation.Take(most)];
        if (said) Reporter.Info("label loss: each label counts once, whatever its tokens (--label-loss tokens: a mean over tokens)");
        if (_validation.Count == 0)
        {
            RequireNoChoice();
            Reporter.Warn($"{Options.Data}: no validation rows; the last weights are kept, whether they are the best or not");
        }
        else
        {
            WarnOfKnownRows();
        }

        return null;
    }

    private void WarnOfKnownRows()
    {
        var known = _training.Select(e => e.Input).ToHashSet(StringComparer.Ordinal);
        if (_validation.Count(e => known.Contains(e.Input)) is > 0 and var shared)
            Reporter.Warn(
                $"{Options.Data}: {shared} of {_validation.Count} validation rows have the text of a training row; what is measured on "
                + "them says nothing about new texts");
    }

    protected override T5Tokenizer Tokenizer(StudentSource student, CancellationToken cancellationToken) => student.Tokenizer(
        Options.Tokenizer, Options.VocabularySize, TrainOptions.DefaultVocabularySize,
        () => TrainedTokenizer.Texts(_dataset!.Task, _training, Options.Method != TrainingMethod.Standard), Reporter, cancellationToken);

    protected override RunInputs Prepare(T5Tokenizer tokenizer, bool fromScratch)
    {
        var task = TaskLimits.WithInputLimit(_dataset!.Task, Options, Reporter);
        var counted = Options.MaxSteps is not null || Options.MaxTokens is not null;
        Options = Options with
        {
            VocabularySize = Options.VocabularySize ?? TrainOptions.DefaultVocabularySize,
            MaxRationaleTokens = Options.MaxRationaleTokens ?? TrainOptions.DefaultMaxRationaleTokens,
            Epochs = counted ? null : Options.Epochs ?? TrainOptions.DefaultEpochs,
        };

        // A task that has a single kind of input needs no prefixes to tell two apart.
        if (Options.Method != TrainingMethod.StepByStep) task = task with { PredictPrefix = "", ExplainPrefix = "" };
        var encoder = new ExampleEncoder(new InputEncoder(tokenizer, task), Options);
        var rows = encoder.Encode(_training, SplitNames.Train, Reporter);
        var weights = task.Labels is { } labels ? ClassWeights.Create(Options.ClassWeights, labels, rows) : null;
        rows = weights?.Apply(rows) ?? rows;
        task = TaskLimits.WithLabelLimit(task, Options, encoder.LongestLabel, Reporter);

        // What is recorded, and compared when a run is resumed, is what is used, whichever of the dataset and the options said it.
        Options = Options with
        {
            MaxInputTokens = task.MaxInputTokens,
            MaxLabelTokens = task.MaxLabelTokens,
            Alpha = Options.Alpha ?? TrainOptions.DefaultAlpha,
        };
        var inputs = new InputEncoder(tokenizer, task);
        var validationRows = _validation.Count == 0
            ? []
            : new ExampleEncoder(inputs, Options with { Labels = LabelSource.Gold }).Encode(_validation, SplitNames.Validation, Reporter);
        var order = new DatasetRows(rows, RowsPerStep, Options.BucketWindow, Options.Seed, SamplingRule.Power(Options.Sampling));
        return new RunInputs(
            task, Plan(fromScratch, order.StepsPerEpoch, rows.Sum(r => (long)r.Tokens)), order,
            (engine, model) =>
                new DatasetEvaluator(engine, model, inputs, _validation, validationRows, Options.MicroBatchTokens, Options.SelectOn),
            Data(rows.Count, weights), Options.Dropout, $"{rows.Count} training rows, {_validation.Count} validation rows",
            ["data", "keep_resume", "max_steps", "max_tokens", "epochs"], Options.KeepResume);
    }

    /// <summary>What acts on evaluations needs rows to evaluate on.</summary>
    private void RequireNoChoice()
    {
        var option = Options.Patience > 0 ? $"--patience {Options.Patience}"
            : Options.SelectOn != SelectionMetric.Accuracy ? "--select-on"
            : Options.EvaluateRows is not null ? "--evaluate-rows"
            : null;
        if (option is not null) throw new InputException($"{option}: needs validation rows, and {Options.Data} has none");
    }

    /// <summary>
    /// In step-by-step the mean over a label's tokens, most of which follow from the first, is a small part of the gradient beside the
    /// rationale's: the student then hardly begins to learn labels.
    /// </summary>
    private LabelLoss Loss(TaskSpec task)
    {
        if (Options.LabelLoss != LabelLoss.Auto) return Options.LabelLoss;
        return Options.Method != TrainingMethod.StepByStep || task.Kind == TaskKind.Text ? LabelLoss.Tokens : LabelLoss.Labels;
    }

    /// <summary>What acts on classes needs a task that has them.</summary>
    private void RequireClasses(TaskSpec task)
    {
        if (task.Kind == TaskKind.Text && Options.LabelLoss == LabelLoss.ClosedSet)
            throw new InputException(
                $"--label-loss closed-set: needs a task with a closed set; {Options.Data}: task \"{task.Name}\" is of kind text");
        if (task.Kind == TaskKind.Labels) return;
        var option = Options.SelectOn == SelectionMetric.MacroF1 ? "--select-on macro-f1"
            : Options.ClassWeights != ClassWeights.None ? $"--class-weights {Options.ClassWeights}"
            : Options.Sampling != SamplingRule.Uniform ? $"--sampling {Options.Sampling}"
            : null;
        if (option is null) return;
        var kind = task.Kind.ToString().ToLowerInvariant();
        throw new InputException($"{option}: needs a task of kind labels; {Options.Data}: task \"{task.Name}\" is of kind {kind}");
    }

    /// <summary>A method that learns from rationales would silently be another one without any.</summary>
    private void RequireRationales()
    {
        if (Options.Method == TrainingMethod.Standard || _training.Any(e => e.Rationale is not null)) return;
        var method = Options.Method == TrainingMethod.StepByStep ? "step-by-step" : "single-task";
        throw new InputException(
            $"{_dataset!.FilePath(SplitNames.Train)}: none of the {_training.Count} rows to train on has a rationale, and "
            + $"--method {method} learns from them; add rationales with \"distill annotate\", or train on labels alone "
            + "with --method standard");
    }

    private static IReadOnlyList<Example> Fraction(IReadOnlyList<Example> examples, double fraction, long seed)
    {
        if (fraction >= 1) return examples;
        var order = Enumerable.Range(0, examples.Count).ToArray();
        new SplitMix64(seed).Shuffle(order.AsSpan());
        var count = Math.Max(1, (int)Math.Round(fraction * examples.Count));
        return [.. order.Take(count).Order().Select(i => examples[i])];
    }

    private TrainingPlan Plan(bool fromScratch, int stepsPerEpoch, long tokensPerEpoch)
    {
        var epochs = Options.MaxTokens is { } tokens ? (double)tokens / tokensPerEpoch : Options.Epochs ?? TrainOptions.DefaultEpochs;
        var total = Options.MaxSteps ?? Math.Max(1, (int)Math.Min(int.MaxValue, Math.Round(epochs * stepsPerEpoch)));
        var warmup = Math.Min(total, Options.WarmupSteps ?? (fromScratch ? (int)Math.Ceiling(ScratchWarmup * total) : 0));
        var alpha = Options.Method == TrainingMethod.StepByStep
            ? new AlphaSchedule(Options.Alpha!.Value, Options.AlphaEnd ?? Options.Alpha.Value, total)
            : AlphaSchedule.LabelsAlone;
        var every = Options.EvaluateEvery ?? Math.Max(1, Math.Min(stepsPerEpoch, (total + Evaluations - 1) / Evaluations));
        return new TrainingPlan(
            "train", new Schedule(Options.Schedule, Options.LearningRate!.Value, warmup, total), stepsPerEpoch, alpha,
            Options.MicroBatchTokens, Options.ClipNorm, every, Options.SaveEvery, Options.Patience, Options.Seed);
    }

    private JsonObject Data(int rows, ClassWeights? weights)
    {
        var data = new JsonObject
        {
            ["directory"] = Options.Data,
            ["task"] = _dataset!.Task.Name,
            ["train_rows"] = rows,
            ["validation_rows"] = _validation.Count,
        };
        if (Chance.Of(_dataset.Task, _validation) is { } chance) data["validation_chance"] = chance;
        if (weights is not null) (data["class_weights"], data["class_weights_sha256"]) = (weights.Json, weights.Hash);
        data[TrainingReport.TaskHash] = _dataset.Task.Hash();
        foreach (var split in _dataset.Splits.Where(s => s != SplitNames.Test)) data[$"{split}_sha256"] = _dataset.Hash(split);
        return data;
    }
}
