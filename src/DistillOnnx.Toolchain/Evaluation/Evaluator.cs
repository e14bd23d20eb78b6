using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>Measures a student on a split: the same code for a checkpoint and a bundle, so that their figures compare.</summary>
public static class Evaluator
{
    private const int CalibrationBins = 15;

    /// <summary>Opens a model and a dataset and measures one on the other.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="reporter">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="InputException">The model or the dataset cannot be used, or they are of different tasks.</exception>
    /// <exception cref="QualityGateException">A metric is below <see cref="EvaluateOptions.FailUnder"/>; carries the result.</exception>
    public static Task<EvaluateResult> RunAsync(EvaluateOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        Task.Run(() => Run(options, reporter, cancellationToken), cancellationToken);

    private static EvaluateResult Run(EvaluateOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var dataset = Dataset.Open(options.Data);
        IReadOnlyList<Example> rows = dataset.Load(options.Split);
        if (options.Limit > 0) rows = [.. rows.Take(options.Limit)];
        var gates = QualityGate.ParseAll(options.FailUnder);
        QualityGate.RequireMeasured(gates, dataset.Task);
        using var predictor = PredictorFactory.Open(options.Model, options.Device, options.Threads, options.Precision, reporter, options.Base);
        RequireSameTask(dataset.Task, predictor.Task, options.Model);

        // Opened before anything is measured, so that one that cannot be used costs no run.
        using var other = options.Against is null ? null : PredictorFactory.Open(options.Against, options.Device, options.Threads, "auto", reporter);
        if (other is not null) RequireSameTask(dataset.Task, other.Task, options.Against!);

        using var writer = options.Predictions is null ? null : new PredictionWriter(options.Predictions, predictor.Task);
        Action<Example, LabelPrediction>? write = writer is null ? null : writer.Write;
        var result = other is null
            ? Measure(predictor, dataset.Task, rows, options.BatchSize, reporter, write, cancellationToken)
            : Compare(predictor, other, dataset.Task, rows, options.BatchSize, reporter, write, cancellationToken);
        writer?.Commit();
        if (EvaluationTable.Missed(result) is { } missed) reporter.Warn(missed);
        QualityGate.Hold(gates, result, $"{options.Model}: on {options.Split}");
        return result;
    }

    /// <summary>Measures a student on rows that have gold labels.</summary>
    /// <param name="predictor">The student.</param>
    /// <param name="task">The task that the rows are of.</param>
    /// <param name="rows">The rows; each has a label.</param>
    /// <param name="batchSize">Rows that go to the student at once.</param>
    /// <param name="reporter">Told how far it is.</param>
    /// <param name="answered">Told each row's answer, in order; may be null.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="InputException">There are no rows, or a row has no label.</exception>
    public static EvaluateResult Measure(
        IPredictor predictor,
        TaskSpec task,
        IReadOnlyList<Example> rows,
        int batchSize,
        IReporter reporter,
        Action<Example, LabelPrediction>? answered,
        CancellationToken cancellationToken)
    {
        if (rows.Count == 0) throw new InputException("nothing to evaluate: the split has no rows");
        // Probabilities come in the order of the student's own label set.
        var tally = new EvaluationTally(predictor.Task with { Metric = task.Metric }, task.Kind == TaskKind.Labels ? task.Labels : null, CalibrationBins);
        var seconds = 0.0;
        for (var start = 0; start < rows.Count; start += batchSize)
        {
            var batch = rows.Skip(start).Take(batchSize).ToArray();
            var inputs = batch.Select(r => new PredictorInput(r.Input, task.Kind == TaskKind.Choices ? r.Choices : null)).ToArray();
            var began = Stopwatch.GetTimestamp();
            var answers = predictor.Predict(inputs, cancellationToken);
            seconds += Stopwatch.GetElapsedTime(began).TotalSeconds;
            for (var i = 0; i < batch.Length; i++)
            {
                tally.Add(batch[i], answers[i]);
                answered?.Invoke(batch[i], answers[i]);
            }

            reporter.Progress("evaluate", start + batch.Length, rows.Count, string.Create(CultureInfo.InvariantCulture, $"accuracy {tally.Accuracy:0.0000}"));
        }

        return tally.ToResult(seconds);
    }

    /// <summary>Measures a student, and another one on the same rows.</summary>
    internal static EvaluateResult Compare(
        IPredictor predictor,
        IPredictor other,
        TaskSpec task,
        IReadOnlyList<Example> rows,
        int batchSize,
        IReporter reporter,
        Action<Example, LabelPrediction>? answered,
        CancellationToken cancellationToken)
    {
        var mine = new List<bool>(rows.Count);
        var others = new List<bool>(rows.Count);
        bool IsRight(Example row, LabelPrediction answer) => Accuracy.IsCorrect(task.Metric, answer.Label, row.Label!);
        void Mine(Example row, LabelPrediction answer)
        {
            mine.Add(IsRight(row, answer));
            answered?.Invoke(row, answer);
        }

        var result = Measure(predictor, task, rows, batchSize, reporter, Mine, cancellationToken);
        Measure(other, task, rows, batchSize, reporter, (row, answer) => others.Add(IsRight(row, answer)), cancellationToken);
        return result with { Against = AgainstResult.Of(mine, others) };
    }

    private static void RequireSameTask(TaskSpec data, TaskSpec model, string path)
    {
        if (data.Kind != model.Kind)
            throw new InputException($"{path}: made for a task of kind {model.Kind}, the dataset \"{data.Name}\" is of kind {data.Kind}");
        if (data.Kind == TaskKind.Labels && !data.Labels!.ToHashSet(StringComparer.Ordinal).SetEquals(model.Labels!))
            throw new InputException($"{path}: knows the labels {string.Join(", ", model.Labels!)}; the dataset \"{data.Name}\" has {string.Join(", ", data.Labels!)}");
    }
}
