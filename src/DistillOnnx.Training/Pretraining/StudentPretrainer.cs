using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Checkpointing;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Metrics;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Parallel;
using DistillOnnx.Training.Schedules;
using DistillOnnx.Training.Trainer;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Pretraining;

/// <summary>Teaches a student to read by T5's span corruption: a warm start where no public checkpoint can be had, or adaptation to a domain.</summary>
public static class StudentPretrainer
{
    private const int Evaluations = 10;
    private const double Warmup = 0.05;

    /// <summary>Pretrains a student.</summary>
    /// <param name="options">What text, and how.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Finishes the step, saves what a resumed run needs and stops.</param>
    /// <exception cref="InputException">An option or file cannot be used; nothing was written.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped; <see cref="PretrainOptions.Resume"/> continues it.</exception>
    /// <exception cref="DivergenceException">The losses diverged.</exception>
    /// <exception cref="IOException">A checkpoint cannot be saved, for instance because the disk is full; the last save stands.</exception>
    public static Task<PretrainResult> RunAsync(PretrainOptions options, IReporter reporter, CancellationToken cancellationToken) =>
        Task.Run(() => Run(options, reporter, cancellationToken), CancellationToken.None);

    private static PretrainResult Run(PretrainOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        var resuming = options.Resume && ResumeFile.Exists(options.Out);
        if (!resuming && options.Resume && FinishedRun.Load(options.Out) is { } done)
        {
            reporter.Info($"{options.Out}: the run is finished already");
            return new PretrainResult(done.Checkpoint, done.BestStep, null, done.Steps, done.Seconds, done.TokensPerSecond);
        }

        if (!resuming) OutputDirectory.Require(options.Out, options.Overwrite);
        using var workers = WorkerGroups.Join(options.Parallel, options.BatchSize);
        reporter = workers.ReporterOfRank(reporter);
        var source = StudentSource.Resolve(options.Student);
        var scaled = options.ScaleParameter ?? true;
        var rate = options.LearningRate ?? DefaultRate.Of(source.FromScratch, scaled);
        options = options with { ScaleParameter = scaled, LearningRate = rate };
        using var lines = new TextLines(options.Text, options.HoldoutLines, options.ShuffleLines, options.Seed, options.Join);
        var device = Devices.Select(workers.Device(options.Device), reporter, options.Threads);
        using var scope = NewDisposeScope();
        var tokenizer = resuming
            ? T5Tokenizer.Load(options.Out)
            : source.Tokenizer(options.Tokenizer, options.VocabularySize, () => TextLines.Read(options.Text).Take(options.TokenizerLines), reporter, cancellationToken);
        if (tokenizer.ExtraIds == 0) throw new InputException($"{options.Tokenizer ?? options.Student}: the tokenizer has no sentinels, which span corruption needs");

        using var model = source.Create(tokenizer, options.Dropout, device, options.Seed, reporter);
        using IStudentEngine engine = StudentEngines.Create(model, options.Precision, reporter);
        using var optimizer = Optimizers.Optimizer.Create(options.Optimizer, engine.Weights, model, options.WeightDecay, scaled);
        using IMetricSink metrics = options.TensorBoard is null || workers.Rank > 0 ? new DiscardedMetrics() : new TensorBoardWriter(options.TensorBoard);
        var rows = new TextRows(lines, tokenizer, options);
        var heldOut = options.HoldoutLines == 0 ? [] : MicroBatch.Cut(rows.Rows(lines.HeldOut(), -1), options.MicroBatchTokens, 1, 1);
        var plan = new TrainingPlan(
            "pretrain", new Schedule(options.Schedule, rate, options.WarmupSteps ?? (int)Math.Ceiling(Warmup * options.MaxSteps), options.MaxSteps),
            (int)Math.Min(int.MaxValue, Math.Max(1, lines.Count / options.BatchSize)), 1, 0, options.MicroBatchTokens, options.ClipNorm,
            options.EvaluateEvery ?? Math.Max(1, options.MaxSteps / Evaluations), options.SaveEvery, Patience: 0, options.Seed);
        var report = Report(options, model.Config.ParameterCount, tokenizer, lines.Count, plan);
        var store = new CheckpointStore(options.Out, options.Overwrite, resuming, model, tokenizer, null, source.CheckpointDirectory, report, writes: workers.Rank == 0);
        var loop = new TrainingLoop(plan, engine, optimizer, rows, new TextEvaluator(engine, heldOut), store, metrics, reporter, workers, model.Config.VocabSize);
        if (resuming)
        {
            report.RequireSame(ResumeFile.Fingerprint(options.Out), options.Out);
            loop.Restore();
        }

        reporter.Info(FormattableString.Invariant($"student: {model.Config.ParameterCount / 1e6:0.0} M parameters, vocabulary {model.Config.VocabSize}; {lines.Count} lines, {options.MaxSteps} steps"));
        loop.Run(cancellationToken);
        store.Finish(loop.State, keepResume: false);
        var state = loop.State;
        return new PretrainResult(options.Out, state.BestStep, state.Best?.ValidationLabelLoss, state.Step, state.Seconds, state.StepSeconds > 0 ? state.Tokens / state.StepSeconds : 0);
    }

    private static TrainingReport Report(PretrainOptions options, long parameters, T5Tokenizer tokenizer, long lines, TrainingPlan plan)
    {
        var resolved = JsonSerializer.SerializeToNode(options with { WarmupSteps = plan.Schedule.WarmupSteps, EvaluateEvery = plan.EvaluateEvery }, TrainingJson.Compact)!.AsObject();
        var data = new JsonObject { ["lines"] = lines };
        foreach (var file in options.Text)
        {
            using var stream = File.OpenRead(file);
            data[$"{Path.GetFileName(file)}_sha256"] = Convert.ToHexStringLower(SHA256.HashData(stream));
        }

        var fingerprint = resolved.DeepClone().AsObject();
        foreach (var free in (string[])["text", "student", "tokenizer", "out", "overwrite", "resume", "threads", "device", "parallel", "tensor_board", "save_every"]) fingerprint.Remove(free);
        foreach (var (key, value) in data) fingerprint[key] = value?.DeepClone();
        fingerprint["parameters"] = parameters;
        var head = new JsonObject
        {
            ["options"] = resolved,
            ["data"] = data,
            ["student"] = new JsonObject { ["parameters"] = parameters, ["vocabulary"] = tokenizer.VocabularySize },
            ["versions"] = Versions.Describe(),
        };
        return new TrainingReport(head, fingerprint.ToJsonString(TrainingJson.Compact));
    }
}
