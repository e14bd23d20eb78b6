using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Metrics;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Pretraining;

/// <summary>Measures the denoising loss on held-out lines.</summary>
/// <param name="engine">Computes it.</param>
/// <param name="batches">The lines with their spans, the same ones each time; may be none.</param>
internal sealed class TextEvaluator(IStudentEngine engine, IReadOnlyList<MicroBatch> batches) : IStudentEvaluator
{
    /// <inheritdoc/>
    public EvaluationRecord Evaluate(EvaluationRecord record, CancellationToken cancellationToken)
    {
        var loss = default(StepLoss);
        foreach (var batch in batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            loss += engine.Evaluate(batch);
        }

        return record with { ValidationLabelLoss = loss.LabelTokens > 0 ? loss.Label : null };
    }

    /// <inheritdoc/>
    public bool IsBetter(EvaluationRecord record, EvaluationRecord? best) =>
        best is null || record.ValidationLabelLoss is null || record.ValidationLabelLoss < best.ValidationLabelLoss;
}
