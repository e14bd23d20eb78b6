using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Checkpointing;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Metrics;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.Parallel;

namespace DistillOnnx.Training.Trainer;

/// <summary>
/// The loop: step, evaluate, keep the best, save. Everything that a step depends on is in its number, the weights and the optimizer's
/// state, so that a run which was interrupted anywhere goes on as if it had not been; on a GPU also in the shapes that its batches were
/// filled up to, so that a resumed run drops other values there. On a device that computes while the program goes
/// on, a step's figures are read when the next one is under way, and before anything is evaluated or saved.
/// </summary>
internal sealed class TrainingLoop
{
    /// <summary>A loss so many times that of guessing evenly has diverged.</summary>
    private const double DivergedFactor = 10;

    private readonly TrainingPlan _plan;
    private readonly IStudentEngine _engine;
    private readonly IOptimizer _optimizer;
    private readonly ITrainingRows _rows;
    private readonly IStudentEvaluator _evaluator;
    private readonly CheckpointStore _store;
    private readonly IMetricSink _metrics;
    private readonly IReporter _reporter;
    private readonly IWorkerGroup _workers;
    private readonly double _evenLoss;
    private readonly Stopwatch _clock = new();
    private StepFigures? _unread;
    private StepBatches? _last;
    private long _readAt;
    private double _secondsBefore;
    private bool _stopping;

    public TrainingLoop(
        TrainingPlan plan, IStudentEngine engine, IOptimizer optimizer, ITrainingRows rows, IStudentEvaluator evaluator,
        CheckpointStore store,
        IMetricSink metrics, IReporter reporter, IWorkerGroup workers, int vocabularySize)
    {
        (_plan, _engine, _optimizer, _rows, _evaluator, _store) = (plan, engine, optimizer, rows, evaluator, store);
        (_metrics, _reporter, _workers) = (metrics, reporter, workers);
        _evenLoss = Math.Log(vocabularySize);
    }

    /// <summary>Where the run stands.</summary>
    public TrainingState State { get; private set; } = new();

    /// <summary>Goes on from a saved state.</summary>
    public void Restore()
    {
        State = _store.LoadResume(_engine.Weights, _optimizer.State);
        _secondsBefore = State.Seconds;
        _engine.WeightsChanged();
        _reporter.Info(FormattableString.Invariant($"resuming after step {State.Step} of {_plan.Schedule.TotalSteps}"));
    }

    /// <summary>Trains to the end.</summary>
    /// <param name="cancellationToken">Finishes the step, saves and stops.</param>
    /// <exception cref="OperationCanceledException">The run was stopped; its state is saved.</exception>
    /// <exception cref="DivergenceException">A loss or gradient is not a number, or far beyond reason.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        _clock.Start();
        using var ahead = new StepAhead<StepBatches>(Prepare);
        try
        {
            RunSteps(ahead, cancellationToken);
        }
        finally
        {
            _unread?.Dispose();
        }
    }

    private void RunSteps(StepAhead<StepBatches> ahead, CancellationToken cancellationToken)
    {
        var total = _plan.Schedule.TotalSteps;
        while (true)
        {
            if (State.Step > 0 && State.EvaluatedAt != State.Step && (State.Step % _plan.EvaluateEvery == 0 || State.Step >= total))
            {
                try
                {
                    // Several processes stop between steps only, where they agree on it.
                    Evaluate(_workers.Count > 1 ? CancellationToken.None : cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    Save();
                    throw;
                }
            }

            if (State.Step >= total || (_plan.Patience > 0 && State.Stale >= _plan.Patience)) return;
            if (_stopping || (_workers.Count == 1 && cancellationToken.IsCancellationRequested))
            {
                Save();
                throw new OperationCanceledException(cancellationToken);
            }

            if (_unread is null) _readAt = Stopwatch.GetTimestamp();
            _last = ahead.Of(State.Step, last: State.Step + 1 >= total);
            Step(_last, cancellationToken.IsCancellationRequested);
            if (_plan.SaveEvery is { } every && State.Step % every == 0 && State.Step % _plan.EvaluateEvery != 0) Save();
        }
    }

    private StepBatches Prepare(int step)
    {
        var (rows, weight) = (_rows.Rows(step), _plan.Alpha.At(step));
        return new StepBatches(rows, MicroBatch.Cut(rows, _plan.MicroBatchTokens, weight, 1 - weight, _workers.Rank, _workers.Count));
    }

    private void Step(StepBatches prepared, bool stop)
    {
        var (step, batches) = (State.Step, prepared.Batches);
        var figures = new StepFigures(step, prepared.Rows, _plan.Schedule.At(step));
        try
        {
            for (var i = 0; i < batches.Count; i++)
                figures.Add(_engine.Accumulate(batches[i], Seed(step, (i * _workers.Count) + _workers.Rank), first: i == 0));
            if (batches.Count == 0) ClearGradients();
            if (_workers.Count > 1) figures.Replace(Together(figures.ReadLoss(), stop));
            var scale = figures.Clip(_engine.Gradients, _plan.ClipNorm);
            if (figures.IsKnown) RequireSound(figures);
            _optimizer.Step(_engine.Weights, _engine.Gradients, scale, figures.Rate, step + 1);
            _engine.WeightsChanged();
            State.Step++;
            ReadUnread();
        }
        catch
        {
            figures.Dispose();
            throw;
        }

        _unread = figures;
        if (figures.IsKnown) ReadUnread();
    }

    /// <summary>Takes note of the figures of the last step but one, or of the last where they are known or wanted.</summary>
    private void ReadUnread()
    {
        if (_unread is not { } figures) return;
        _unread = null;
        using (figures)
        {
            var (loss, norm) = RequireSound(figures);
            var seconds = Stopwatch.GetElapsedTime(_readAt).TotalSeconds;
            _readAt = Stopwatch.GetTimestamp();
            var (tokens, step) = (figures.Rows.Sum(r => (long)r.Tokens), figures.Step + 1);
            State.GradientNorm = norm;
            State.Window += loss;
            State.Tokens += tokens;
            State.WindowTokens += tokens;
            State.WindowSeconds += seconds;
            State.StepSeconds += seconds;
            _metrics.Add(step, "train/label_loss", loss.Label);
            if (loss.Rationale is { } rationale) _metrics.Add(step, "train/rationale_loss", rationale);
            _metrics.Add(step, "train/learning_rate", figures.Rate);
            _metrics.Add(step, "train/gradient_norm", norm);
            _reporter.Progress(_plan.Stage, step, _plan.Schedule.TotalSteps, Detail());
        }
    }

    /// <summary>An epoch's last step may have fewer rows than there are processes.</summary>
    private void ClearGradients()
    {
        using var off = TorchSharp.torch.no_grad();
        using var cleared = _engine.Gradients.zero_();
    }

    /// <summary>Adds up gradients and losses over all processes; any of them may ask all to stop.</summary>
    private StepLoss Together(StepLoss loss, bool stop)
    {
        _workers.Sum(_engine.Gradients);
        double[] sums = [loss.LabelSum, loss.LabelTokens, loss.RationaleSum, loss.RationaleTokens, stop ? 1 : 0];
        _workers.Sum(sums);
        _stopping = sums[4] > 0;
        return new StepLoss(sums[0], (long)sums[1], sums[2], (long)sums[3]);
    }

    /// <summary>Weights that differ between processes would go on differing unseen.</summary>
    private void RequireSameWeights()
    {
        if (_workers.Count == 1) return;
        var norm = GradientNorm.Of(_engine.Weights);
        if (_workers.IsSameEverywhere(norm)) return;
        var here = FormattableString.Invariant($"norm {norm} in process {_workers.Rank}");
        throw new InvalidOperationException($"step {State.Step}: the processes' weights differ ({here}); the run cannot go on");
    }

    private void Evaluate(CancellationToken cancellationToken)
    {
        ReadUnread();
        RequireSameWeights();
        var record = _evaluator.Evaluate(
            new EvaluationRecord
            {
                Step = State.Step,
                Epoch = _plan.StepsPerEpoch is { } epoch ? (double)State.Step / epoch : 0,
                Tokens = State.Tokens,
                LearningRate = _plan.Schedule.At(State.Step - 1),
                TrainLabelLoss = State.Window.Label,
                TrainRationaleLoss = State.Window.Rationale,
                GradientNorm = State.GradientNorm,
                TokensPerSecond = State.WindowSeconds > 0 ? State.WindowTokens / State.WindowSeconds : 0,
            },
            cancellationToken);
        if (!double.IsFinite(record.ValidationLabelLoss ?? 0) || !double.IsFinite(record.ValidationRationaleLoss ?? 0))
        {
            // The rows of the next step are being made, so these are not asked for again.
            var rows = _last?.Rows ?? _rows.Rows(State.Step - 1);
            throw Diverged(State.Step, "the validation loss is not a number after it", rows);
        }

        State.Seconds = Seconds();
        State.History.Add(record with { Seconds = State.Seconds });
        State.EvaluatedAt = State.Step;
        (State.Window, State.WindowTokens, State.WindowSeconds) = (default, 0, 0);
        var better = _evaluator.IsBetter(record, State.Best);
        State.Stale = better ? 0 : State.Stale + 1;
        if (better) (State.BestEvaluation, State.BestStep) = (State.History.Count - 1, State.Step);
        _metrics.Add(record);
        _reporter.Info(Describe(record, better));

        // The weights first: a run that is killed between the two goes on from the older state and comes to the same weights again.
        if (better) _store.SaveWeights(State);
        Save();
    }

    private void Save()
    {
        ReadUnread();
        State.Seconds = Seconds();
        _store.SaveResume(State, _engine.Weights, _optimizer.State);
    }

    private (StepLoss Loss, double Norm) RequireSound(StepFigures figures)
    {
        var (loss, norm) = figures.Read();
        var what = !double.IsFinite(loss.LabelSum) ? "the label loss is not a number"
            : !double.IsFinite(loss.RationaleSum) ? "the rationale loss is not a number"
            : !double.IsFinite(norm) ? "the gradient is not a number"
            : Math.Max(loss.Label, loss.Rationale ?? 0) > DivergedFactor * _evenLoss ? FormattableString.Invariant(
                $"the loss is {Math.Max(loss.Label, loss.Rationale ?? 0):0.##} nats a token, where guessing evenly costs {_evenLoss:0.##}")
            : null;
        return what is null ? (loss, norm) : throw Diverged(figures.Step + 1, what, figures.Rows);
    }

    private DivergenceException Diverged(int step, string what, IReadOnlyList<TrainingRow> rows)
    {
        var ids = string.Join(", ", rows.Take(8).Select(r => r.Id)) + (rows.Count > 8 ? $" and {rows.Count - 8} more" : "");
        var good = _store.Exists ? $"the last good checkpoint is {_store.Target}"
            + (State.EvaluatedAt >= 0 ? $" (step {State.BestStep})" : "") : "no checkpoint was written yet";
        return new DivergenceException($"step {step}: {what}; rows {ids}; {good}; a lower --learning-rate or --clip-norm may help");
    }

    private double Seconds() => _secondsBefore + _clock.Elapsed.TotalSeconds;

    private long Seed(int step, int part) => unchecked((((_plan.Seed * 1_000_003) + step) * 4099) + part);

    private string Detail()
    {
        var window = State.Window;
        var text = FormattableString.Invariant($"label {window.Label:0.000}");
        if (window.Rationale is { } rationale) text += FormattableString.Invariant($" · rationale {rationale:0.000}");
        text += FormattableString.Invariant($" · {State.WindowTokens / Math.Max(1e-9, State.WindowSeconds):0} tokens/s");
        if (State.Best is { ValidationAccuracy: { } accuracy }) text += FormattableString.Invariant($" · best {100 * accuracy:0.0} %");
        return text;
    }

    private static string Describe(EvaluationRecord record, bool better)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"step {record.Step}: train label {record.TrainLabelLoss:0.000}");
        if (record.TrainRationaleLoss is { } rationale) text += FormattableString.Invariant($", rationale {rationale:0.000}");
        if (record.ValidationLabelLoss is { } loss) text += FormattableString.Invariant($"; validation label {loss:0.000}");
        if (record.ValidationRationaleLoss is { } other) text += FormattableString.Invariant($", rationale {other:0.000}");
        if (record.ValidationAccuracy is { } accuracy) text += FormattableString.Invariant($", accuracy {100 * accuracy:0.00} %");
        if (record.ValidationMacroF1 is { } f1) text += FormattableString.Invariant($", macro F1 {f1:0.000}");
        return text + FormattableString.Invariant($"; {record.TokensPerSecond:0} tokens/s") + (better ? " (best so far)" : "");
    }

    /// <summary>The rows of a step, and this process's share of them as micro-batches.</summary>
    private sealed record StepBatches(IReadOnlyList<TrainingRow> Rows, IReadOnlyList<MicroBatch> Batches);
}
