using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Checkpointing;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.Metrics;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Parallel;
using DistillOnnx.Training.Schedules;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Trainer;

/// <summary>
/// A run that trains a student, from the check of its options to its outcome. Training on a dataset and pretraining on text differ in
/// their data alone, which derived classes give.
/// </summary>
/// <typeparam name="TOptions">The stage's options.</typeparam>
/// <param name="options">What the user gave.</param>
/// <param name="reporter">Receives progress and messages.</param>
internal abstract class StudentRun<TOptions>(TOptions options, IReporter reporter)
    where TOptions : RunOptions
{
    /// <summary>What a resumed run may change: where it runs, where it writes, and when it saves.</summary>
    private static readonly string[] FreeOptions =
    [
        "student", "tokenizer", "out", "overwrite", "resume", "threads", "device", "cuda_graphs", "parallel", "tensor_board", "save_every",
    ];

    /// <summary>The options; once the run has begun, with the learning rate that is used.</summary>
    protected TOptions Options { get; set; } = options;

    /// <summary>Receives progress and messages; in all processes of a group but the first, none.</summary>
    protected IReporter Reporter { get; private set; } = reporter;

    /// <summary>Joins the processes of the run.</summary>
    internal Func<ParallelKind, int, IWorkerGroup> Join { get; init; } = WorkerGroups.Join;

    /// <summary>Rows of a step, of which every process of a group needs one.</summary>
    protected abstract int RowsPerStep { get; }

    /// <summary>Steps between evaluations, as given; null: not given.</summary>
    protected abstract int? EvaluateEvery { get; }

    /// <summary>Files and directories that the run learns from.</summary>
    protected abstract IEnumerable<string?> InputPaths { get; }

    /// <summary>Finds out where the student comes from.</summary>
    protected abstract StudentSource FindStudent();

    /// <summary>Whether learning rates are shares of the parameters' sizes where the options leave it open.</summary>
    /// <param name="student">Where the student comes from.</param>
    protected abstract bool ScalesParameters(StudentSource student);

    /// <summary>Opens the data.</summary>
    /// <returns>What is closed when the run ends; may be null.</returns>
    protected abstract IDisposable? OpenData();

    /// <summary>The tokenizer of a run that begins.</summary>
    /// <param name="student">Where the student comes from.</param>
    /// <param name="cancellationToken">Stops the training of a tokenizer.</param>
    protected abstract T5Tokenizer Tokenizer(StudentSource student, CancellationToken cancellationToken);

    /// <summary>Makes rows of the data.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="fromScratch">Whether the student's weights begin from nothing.</param>
    protected abstract RunInputs Prepare(T5Tokenizer tokenizer, bool fromScratch);

    /// <summary>Trains the student and writes its checkpoint.</summary>
    /// <param name="cancellationToken">Finishes the step, saves what a resumed run needs and stops.</param>
    /// <exception cref="InputException">An option or file cannot be used; nothing was written.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped; <see cref="RunOptions.Resume"/> continues it.</exception>
    /// <exception cref="DivergenceException">The losses diverged.</exception>
    /// <exception cref="IOException">A checkpoint cannot be saved; the last save stands.</exception>
    public RunOutcome Run(CancellationToken cancellationToken)
    {
        var faults = Options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        var resuming = Options.Resume && ResumeFile.Exists(Options.Out);
        var finished = Options.Resume && !resuming ? FinishedRun.Load(Options.Out) : null;
        var overwrite = Options.Overwrite;
        if (!resuming && finished is null)
        {
            // Stopped after the first weights and before anything to go on with, as by a full disk.
            if (Options.Resume && TrainingFile.IsRunning(Options.Out))
            {
                overwrite = true;
                Reporter.Warn($"{Options.Out}: was stopped before what --resume needs was saved; begins anew");
            }

            if (!Options.Overwrite && ResumeFile.Exists(Options.Out))
                throw new InputException(
                    $"{Options.Out}: holds a run that was interrupted; --resume goes on with it, --overwrite begins anew");
            OutputDirectory.Require(Options.Out, overwrite, InputPaths);
        }

        using var workers = Join(Options.Parallel, RowsPerStep);
        Reporter = workers.ReporterOfRank(Reporter);
        var student = FindStudent();
        var scaled = Options.ScaleParameter ?? ScalesParameters(student);
        var rate = Options.LearningRate ?? DefaultRate.Of(student.FromScratch, scaled);
        Options = (TOptions)((RunOptions)Options with { ScaleParameter = scaled, LearningRate = rate });
        using var data = OpenData();
        var device = Devices.Select(Options.Device, Reporter, Options.Threads, workers.PlaceOnMachine());
        using var scope = NewDisposeScope();
        var tokenizer = resuming || finished is not null ? T5Tokenizer.Load(Options.Out) : Tokenizer(student, cancellationToken);
        var inputs = Prepare(tokenizer, student.FromScratch);
        if ((resuming ? ResumeFile.Fingerprint(Options.Out) : finished?.Fingerprint) is { } begun)
            inputs = inputs with { Plan = WithDefaultsOf(begun, inputs.Plan) };

        using var model = student.Create(tokenizer, inputs.Dropout, device, inputs.Plan.Seed, Reporter);
        using IStudentEngine engine = StudentEngines.Create(
            model, Options.Precision, Options.Tf32, Options.Recompute, Options.CudaGraphs, Reporter);
        using var optimizer = Optimizers.Optimizer.Create(Options.Optimizer, engine.Weights, model, Options.WeightDecay, scaled);
        using IMetricSink metrics = Options.TensorBoard is null || workers.Rank > 0
            ? new DiscardedMetrics()
            : new TensorBoardWriter(Options.TensorBoard);
        var report = Report(inputs, model, tokenizer);
        if (finished is not null)
        {
            // Other options or other data would be another run, whose result this is not.
            var steps = inputs.Plan.Schedule.TotalSteps;
            if (finished.MaxSteps is { } planned && planned != steps)
                throw new InputException(
                    $"{Options.Out}: the run is done, of {planned} steps, and {steps} are asked for; what more steps need was not kept "
                    + "(--keep-resume), so pass --overwrite to start anew");
            if (finished.Fingerprint is { } saved) report.RequireSame(saved, Options.Out);
            Reporter.Info($"{Options.Out}: the run is finished already");
            workers.Leave();
            return finished.Outcome;
        }

        using var store = new CheckpointStore(
            Options.Out, overwrite, resuming, model, student.Dropout, tokenizer, inputs.Task, student.CheckpointDirectory, report,
            writes: workers.Rank == 0);
        var evaluator = inputs.Evaluator(engine, model);
        var loop = new TrainingLoop(
            inputs.Plan, engine, optimizer, inputs.Rows, evaluator, store, metrics, Reporter, workers, model.Config.VocabSize);
        if (resuming)
        {
            report.RequireSame(ResumeFile.Fingerprint(Options.Out), Options.Out);
            loop.Restore();
        }

        var size = $"{inputs.Size}, {inputs.Plan.Schedule.TotalSteps} steps";
        Reporter.Info(FormattableString.Invariant(
            $"student: {model.Config.ParameterCount / 1e6:0.0} M parameters, vocabulary {model.Config.VocabSize}; {size}"));
        try
        {
            loop.Run(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Several processes stop where all of them agree on it.
            workers.Leave();
            throw;
        }

        if (engine is ScriptEngine { Shapes: var shapes }) Reporter.Info($"batches of {shapes} distinct shapes");
        if (loop.State.Best is { NeverPredicted: { } never } best)
            Reporter.Warn(
                $"step {best.Step}, whose weights are kept, predicts {Quoted(never)} for no validation row, though some have that label");
        store.Finish(loop.State, inputs.KeepResume);
        workers.Leave();
        return RunOutcome.Of(Options.Out, loop.State);
    }

    private static string Quoted(IEnumerable<string> labels) => string.Join(", ", labels.Select(l => $"\"{InputText.Show(l)}\""));

    /// <summary>
    /// The plan of a run that goes on, perhaps with more steps. What is not given and follows from the number of steps is what the run
    /// began with.
    /// </summary>
    /// <param name="saved">The fingerprint of the saved run.</param>
    /// <param name="plan">The plan as the options make it.</param>
    private TrainingPlan WithDefaultsOf(string saved, TrainingPlan plan)
    {
        if (EvaluateEvery is null && TrainingReport.Number(saved, "evaluate_every", Options.Out) is { } every)
            plan = plan with { EvaluateEvery = every };
        if (Options.WarmupSteps is null && TrainingReport.Number(saved, "warmup_steps", Options.Out) is { } warmup)
            plan = plan with { Schedule = plan.Schedule with { WarmupSteps = warmup } };
        return plan;
    }

    private TrainingReport Report(RunInputs inputs, T5Model model, T5Tokenizer tokenizer)
    {
        var options = JsonSerializer.SerializeToNode(Options, TrainingJson.Compact)!.AsObject();
        options["max_steps"] = inputs.Plan.Schedule.TotalSteps;
        options["warmup_steps"] = inputs.Plan.Schedule.WarmupSteps;
        options["evaluate_every"] = inputs.Plan.EvaluateEvery;

        // By way of decimal, which writes a single-precision 0.1 as 0.1.
        options["dropout"] = inputs.Dropout ?? (double)(decimal)model.Config.DropoutRate;
        var fingerprint = options.DeepClone().AsObject();
        foreach (var free in FreeOptions.Concat(inputs.FreeOptions)) fingerprint.Remove(free);
        foreach (var (key, value) in inputs.Data)
        {
            if (key.EndsWith("sha256", StringComparison.Ordinal)) fingerprint[key] = value?.DeepClone();
        }

        fingerprint["parameters"] = model.Config.ParameterCount;
        var head = new JsonObject
        {
            ["options"] = options,
            ["data"] = inputs.Data,
            ["student"] = new JsonObject
            {
                ["parameters"] = model.Config.ParameterCount,
                ["vocabulary"] = tokenizer.VocabularySize,
                ["device"] = model.Device.ToString(),
            },
            ["versions"] = Versions.Describe(),
        };
        string[] unwritten = inputs.Dropout is null ? [TrainingReport.TaskHash, "dropout"] : [TrainingReport.TaskHash];
        return new TrainingReport(head, fingerprint.ToJsonString(TrainingJson.Compact), unwritten);
    }
}
