using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.Metrics;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Training.Trainer;

/// <summary>
/// Measures losses and the task's metric on validation rows, whose gold labels it is held to whatever the student learns from.
/// </summary>
internal sealed class DatasetEvaluator : IStudentEvaluator
{
    private readonly IStudentEngine _engine;
    private readonly StudentPredictor _predictor;
    private readonly IReadOnlyList<Example> _examples;
    private readonly IReadOnlyList<MicroBatch> _batches;
    private readonly SelectionMetric _selectOn;

    public DatasetEvaluator(
        IStudentEngine engine, T5Model model, InputEncoder encoder, IReadOnlyList<Example> examples, IReadOnlyList<TrainingRow> rows,
        int microBatchTokens, SelectionMetric selectOn)
    {
        _selectOn = selectOn;
        _engine = engine;
        _predictor = new StudentPredictor(model, encoder);
        _examples = [.. examples.Where(e => e.Label is not null)];
        _batches = MicroBatch.Cut(rows, microBatchTokens, 1, 1);
    }

    /// <inheritdoc/>
    public EvaluationRecord Evaluate(EvaluationRecord record, CancellationToken cancellationToken)
    {
        if (_batches.Count == 0) return record;
        var loss = default(StepLoss);
        foreach (var batch in _batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            loss += _engine.Evaluate(batch);
        }

        record = record with { ValidationLabelLoss = loss.LabelTokens > 0 ? loss.Label : null, ValidationRationaleLoss = loss.Rationale };
        // With a loss that is no number the run ends, and says so with its rows; there would be no answers to measure.
        if (_examples.Count == 0 || !loss.IsFinite) return record;
        var predictions = _predictor.Predict([.. _examples.Select(e => new PredictorInput(e.Input, e.Choices))], cancellationToken);
        var right = 0;
        var classes = _predictor.Task.Labels is { } labels ? new ConfusionMatrix(labels) : null;
        for (var i = 0; i < predictions.Count; i++)
        {
            classes?.Add(_examples[i].Label!, predictions[i].Label);
            if (Accuracy.IsCorrect(_predictor.Task.Metric, predictions[i].Label, _examples[i].Label!)) right++;
        }

        return record with
        {
            ValidationAccuracy = (double)right / _examples.Count,
            ValidationMacroF1 = classes?.MacroF1(),
            NeverPredicted = classes is null ? null : NeverPredicted(classes),
        };
    }

    /// <inheritdoc/>
    public bool IsBetter(EvaluationRecord record, EvaluationRecord? best)
    {
        if (best is null || record.ValidationLabelLoss is null) return true;
        var (now, before) = (Score(record), Score(best));
        return now > before || (now == before && record.ValidationLabelLoss < best.ValidationLabelLoss);
    }

    private double Score(EvaluationRecord record) => _selectOn switch
    {
        SelectionMetric.MacroF1 => record.ValidationMacroF1 ?? 0,
        SelectionMetric.Loss => 0,
        _ => record.ValidationAccuracy ?? 0,
    };

    private static string[]? NeverPredicted(ConfusionMatrix classes)
    {
        var (figures, answered) = (classes.Classes(), classes.Answered());
        string[] never = [.. classes.Labels.Where((_, i) => figures[i].Support > 0 && answered[i] == 0)];
        return never.Length == 0 ? null : never;
    }
}
