using DistillOnnx.Training.Metrics;

namespace DistillOnnx.Training.Trainer;

/// <summary>Measures the student on validation rows.</summary>
internal interface IStudentEvaluator
{
    /// <summary>Fills in what is measured on the validation rows.</summary>
    /// <param name="record">What training itself knows.</param>
    /// <param name="cancellationToken">Stops it.</param>
    EvaluationRecord Evaluate(EvaluationRecord record, CancellationToken cancellationToken);

    /// <summary>Whether an evaluation shows a better student than an earlier one did.</summary>
    /// <param name="record">The evaluation.</param>
    /// <param name="best">The earlier one; null: there is none.</param>
    bool IsBetter(EvaluationRecord record, EvaluationRecord? best);
}
