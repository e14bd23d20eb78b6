using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Stages.Options;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>Opens a model and a dataset and measures one on the other: the verb <c>evaluate</c>.</summary>
public static class Evaluator
{
    /// <summary>Opens a model and a dataset and measures one on the other.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="reporter">Receives progress.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="InputException">The options, the model or the dataset cannot be used, or the tasks differ.</exception>
    /// <exception cref="QualityGateException">A metric is below <see cref="EvaluateOptions.FailUnder"/>; carries the result.</exception>
    public static Task<EvaluateResult> RunAsync(
        EvaluateOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        Task.Run(() => Run(options, reporter, cancellationToken), cancellationToken);

    /// <summary>The same on rows that were read before: for several models on one split.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="dataset">The dataset of <see cref="EvaluateOptions.Data"/>.</param>
    /// <param name="rows">The rows of <see cref="EvaluateOptions.Split"/>.</param>
    /// <param name="reporter">Receives progress.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    internal static EvaluateResult Run(
        EvaluateOptions options,
        Dataset dataset,
        IReadOnlyList<Example> rows,
        IReporter reporter,
        CancellationToken cancellationToken)
    {
        if (options.Limit > 0) rows = [.. rows.Take(options.Limit)];
        var gates = QualityGate.ParseAll(options.FailUnder);
        QualityGate.RequireMeasured(gates, dataset.Task);
        IPredictor Open(string model, InferenceOptions inference, string? baseDirectory)
        {
            var opened = PredictorFactory.Open(model, inference, reporter, baseDirectory);
            RequireSameTask(dataset.Task, opened.Task, model);
            return opened;
        }

        using var predictor = Open(options.Model, options.Inference, options.Base);
        // Opened before anything is measured, so that one that cannot be used costs no run.
        using var other = options.Against is null ? null : Open(options.Against, options.Inference with { Precision = "auto" }, null);
        using var writer = options.Predictions is null ? null : new PredictionWriter(options.Predictions, predictor.Task);
        var measurement = new Measurement(dataset.Task, rows)
        {
            BatchSize = options.BatchSize,
            Reporter = reporter,
            Explain = options.Explanation.Settings,
            Answered = writer is null ? null : writer.Write,
        };
        var result = other is null
            ? measurement.Of(predictor, cancellationToken)
            : measurement.Compare(predictor, other, cancellationToken);
        writer?.Commit();
        if (options.Report is not null) EvaluationReport.Build(options, dataset.Task, result).Save(options.Report);
        if (result.Rationales is { Empty: > 0 and var empty })
            reporter.Warn($"{options.Model}: {empty} of {result.Rows} rationales are empty; was the student trained with rationales?");
        if (EvaluationTable.Missed(result) is { } missed) reporter.Warn(missed);
        QualityGate.Hold(gates, result, $"{options.Model}: on {options.Split}");
        return result;
    }

    private static EvaluateResult Run(EvaluateOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        var dataset = Dataset.Open(options.Data);
        return Run(options, dataset, dataset.Load(options.Split), reporter, cancellationToken);
    }

    /// <summary>Refuses a model of another task than the rows.</summary>
    /// <exception cref="InputException">Kind or labels differ.</exception>
    internal static void RequireSameTask(TaskSpec data, TaskSpec model, string path)
    {
        if (data.Kind != model.Kind)
            throw new InputException($"{path}: made for a task of kind {model.Kind}, the dataset \"{data.Name}\" is of kind {data.Kind}");
        if (data.Kind == TaskKind.Labels && !data.Labels!.ToHashSet(StringComparer.Ordinal).SetEquals(model.Labels!))
        {
            throw new InputException(
                $"{path}: knows the labels {string.Join(", ", model.Labels!)}; the dataset \"{data.Name}\" has "
                + $"{string.Join(", ", data.Labels!)}");
        }
    }
}
