using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Checkpointing;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Metrics;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Parallel;
using DistillOnnx.Training.Schedules;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Trainer;

/// <summary>Stage 2: trains a student on a dataset and writes its checkpoint.</summary>
public static class StudentTrainer
{
    private const double ScratchWarmup = 0.05;
    private const int Evaluations = 10;

    /// <summary>Trains a student.</summary>
    /// <param name="options">What, on what, and how.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Finishes the step, saves what a resumed run needs and stops.</param>
    /// <exception cref="InputException">An option or file cannot be used; nothing was written.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped; <see cref="TrainOptions.Resume"/> continues it.</exception>
    /// <exception cref="DivergenceException">The losses diverged.</exception>
    /// <exception cref="IOException">A checkpoint cannot be saved, for instance because the disk is full; the last save stands.</exception>
    public static Task<TrainResult> RunAsync(TrainOptions options, IReporter reporter, CancellationToken cancellationToken) =>
        Task.Run(() => Run(options, reporter, cancellationToken), CancellationToken.None);

    /// <summary>The same on the calling thread.</summary>
    internal static TrainResult Run(TrainOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        var resuming = options.Resume && ResumeFile.Exists(options.Out);
        if (options.Resume && !resuming && FinishedRun.Load(options.Out) is { } done)
        {
            reporter.Info($"{options.Out}: the run is finished already");
            return done;
        }

        if (!resuming) OutputDirectory.Require(options.Out, options.Overwrite);
        using var workers = WorkerGroups.Join(options.Parallel, options.BatchSize * options.Accumulate);
        reporter = workers.ReporterOfRank(reporter);
        var dataset = Dataset.Open(options.Data);
        var source = StudentSource.Resolve(options.Student, options.Base);
        var scaled = options.ScaleParameter ?? source.FromScratch;
        options = options with { ScaleParameter = scaled, LearningRate = options.LearningRate ?? DefaultRate.Of(source.FromScratch, scaled) };
        var need = options.Labels == LabelSource.Gold ? LabelNeed.Gold : LabelNeed.None;
        var training = Fraction(dataset.Load(SplitNames.Train, need), options.Fraction, options.Seed);
        var validation = dataset.Has(SplitNames.Validation) ? dataset.Load(SplitNames.Validation, LabelNeed.None) : [];
        if (options.EvaluateRows is { } most && validation.Count > most) validation = [.. validation.Take(most)];
        if (validation.Count == 0) reporter.Warn($"{options.Data}: no validation rows; the last weights are kept, whatever they are worth");

        var device = Devices.Select(workers.Device(options.Device), reporter, options.Threads);
        using var scope = NewDisposeScope();
        var tokenizer = resuming
            ? T5Tokenizer.Load(options.Out)
            : source.Tokenizer(options.Tokenizer, options.VocabularySize, () => TrainedTokenizer.Texts(dataset.Task, training, options.Method != TrainingMethod.Standard), reporter, cancellationToken);
        var task = Prepare(dataset.Task, options, reporter);
        var encoder = new ExampleEncoder(new InputEncoder(tokenizer, task), options);
        var rows = encoder.Encode(training, SplitNames.Train, reporter);
        task = TaskLimits.WithLabelLimit(task, options, encoder.LongestLabel, reporter);

        // What is recorded, and compared when a run is resumed, is what is used, whichever of the dataset and the options said it.
        options = options with { MaxInputTokens = task.MaxInputTokens, MaxLabelTokens = task.MaxLabelTokens };
        var inputs = new InputEncoder(tokenizer, task);
        var validationRows = validation.Count == 0 ? [] : new ExampleEncoder(inputs, options with { Labels = LabelSource.Gold }).Encode(validation, SplitNames.Validation, reporter);

        using var model = source.Create(tokenizer, options.Dropout, device, options.Seed, reporter);
        using IStudentEngine engine = StudentEngines.Create(model, options.Precision, reporter);
        using var optimizer = Optimizers.Optimizer.Create(options.Optimizer, engine.Weights, model, options.WeightDecay, scaled);
        using IMetricSink metrics = options.TensorBoard is null || workers.Rank > 0 ? new DiscardedMetrics() : new TensorBoardWriter(options.TensorBoard);
        var order = new DatasetRows(rows, options.BatchSize * options.Accumulate, options.BucketWindow, options.Seed);
        var plan = Plan(options, source.FromScratch, order.StepsPerEpoch);
        var report = Report(options, dataset, model, tokenizer, plan, rows.Count, validation.Count);
        var store = new CheckpointStore(options.Out, options.Overwrite, resuming, model, tokenizer, task, source.CheckpointDirectory, report, writes: workers.Rank == 0);
        var evaluator = new DatasetEvaluator(engine, model, inputs, validation, validationRows, options.MicroBatchTokens);
        var loop = new TrainingLoop(plan, engine, optimizer, order, evaluator, store, metrics, reporter, workers, model.Config.VocabSize);
        if (resuming)
        {
            report.RequireSame(ResumeFile.Fingerprint(options.Out), options.Out);
            loop.Restore();
        }

        reporter.Info(FormattableString.Invariant($"student: {model.Config.ParameterCount / 1e6:0.0} M parameters, vocabulary {model.Config.VocabSize}; {rows.Count} training rows, {validation.Count} validation rows, {plan.Schedule.TotalSteps} steps"));
        loop.Run(cancellationToken);
        store.Finish(loop.State, options.KeepResume);
        var state = loop.State;
        return new TrainResult(options.Out, state.BestStep, state.Best?.ValidationAccuracy, state.Step, state.Seconds, state.StepSeconds > 0 ? state.Tokens / state.StepSeconds : 0);
    }

    /// <summary>The task as the checkpoint will have it: one that has a single kind of input needs no prefixes to tell two apart.</summary>
    private static TaskSpec Prepare(TaskSpec task, TrainOptions options, IReporter reporter)
    {
        var prepared = TaskLimits.WithInputLimit(task, options, reporter);
        return options.Method == TrainingMethod.StepByStep ? prepared : prepared with { PredictPrefix = "", ExplainPrefix = "" };
    }

    private static IReadOnlyList<Example> Fraction(IReadOnlyList<Example> examples, double fraction, long seed)
    {
        if (fraction >= 1) return examples;
        var order = Enumerable.Range(0, examples.Count).ToArray();
        new SplitMix64(seed).Shuffle(order.AsSpan());
        var count = Math.Max(1, (int)Math.Round(fraction * examples.Count));
        return [.. order.Take(count).Order().Select(i => examples[i])];
    }

    private static TrainingPlan Plan(TrainOptions options, bool fromScratch, int stepsPerEpoch)
    {
        var total = options.MaxSteps ?? Math.Max(1, (int)Math.Min(int.MaxValue, Math.Round(options.Epochs * stepsPerEpoch)));
        var warmup = Math.Min(total, options.WarmupSteps ?? (fromScratch ? (int)Math.Ceiling(ScratchWarmup * total) : 0));
        var alpha = options.Method == TrainingMethod.StepByStep ? options.Alpha : 1;
        var every = options.EvaluateEvery ?? Math.Max(1, Math.Min(stepsPerEpoch, (total + Evaluations - 1) / Evaluations));
        return new TrainingPlan(
            "train", new Schedule(options.Schedule, options.LearningRate!.Value, warmup, total), stepsPerEpoch, alpha, 1 - alpha, options.MicroBatchTokens, options.ClipNorm,
            every, options.SaveEvery, options.Patience, options.Seed);
    }

    private static TrainingReport Report(TrainOptions options, Dataset dataset, T5Model model, T5Tokenizer tokenizer, TrainingPlan plan, int rows, int validationRows)
    {
        var data = new JsonObject { ["directory"] = options.Data, ["task"] = dataset.Task.Name, ["train_rows"] = rows, ["validation_rows"] = validationRows };
        foreach (var split in dataset.Splits.Where(s => s != SplitNames.Test)) data[$"{split}_sha256"] = dataset.Hash(split);
        var fingerprint = Resolve(options, plan);

        // What a resumed run may change: where it runs, where it writes, and when it looks.
        foreach (var free in (string[])["data", "student", "tokenizer", "out", "overwrite", "resume", "threads", "device", "parallel", "tensor_board", "save_every", "keep_resume", "max_steps", "epochs"]) fingerprint.Remove(free);
        foreach (var (key, value) in data.Where(d => d.Key.EndsWith("sha256", StringComparison.Ordinal))) fingerprint[key] = value?.DeepClone();
        fingerprint["parameters"] = model.Config.ParameterCount;
        var head = new JsonObject
        {
            ["options"] = Resolve(options, plan),
            ["data"] = data,
            ["student"] = new JsonObject { ["parameters"] = model.Config.ParameterCount, ["vocabulary"] = tokenizer.VocabularySize, ["device"] = model.Device.ToString() },
            ["versions"] = Versions.Describe(),
        };
        return new TrainingReport(head, fingerprint.ToJsonString(TrainingJson.Compact));
    }

    private static JsonObject Resolve(TrainOptions options, TrainingPlan plan) => JsonSerializer.SerializeToNode(
        options with
        {
            MaxSteps = plan.Schedule.TotalSteps,
            WarmupSteps = plan.Schedule.WarmupSteps,
            EvaluateEvery = plan.EvaluateEvery,
        },
        TrainingJson.Compact)!.AsObject();
}
