namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>A row that was answered wrongly.</summary>
/// <param name="Id">The row.</param>
/// <param name="Text">Its input.</param>
/// <param name="Gold">Its gold label.</param>
/// <param name="Answered">What the model answered.</param>
/// <param name="Probability">The probability that the model gave its answer.</param>
/// <param name="TeacherLabel">The teacher's label; null where the row has none.</param>
/// <param name="Rationale">The row's rationale; null where it has none.</param>
/// <param name="StudentRationale">The student's rationale; null where none was asked for.</param>
public sealed record EvaluationError(
    string Id,
    string Text,
    string Gold,
    string Answered,
    double Probability,
    string? TeacherLabel,
    string? Rationale,
    string? StudentRationale = null);
