namespace DistillOnnx.Teacher.Answers;

/// <summary>The content of an answer.</summary>
/// <param name="Rationale">The reasons; null where there are none.</param>
/// <param name="Label">The label; null where <paramref name="Fault"/> gives the reason.</param>
/// <param name="Fault">Why there is no label.</param>
/// <param name="Thoughts">The model's thoughts, which are no part of its answer; null where there are none.</param>
/// <param name="Mapped">Whether the label is not the answer itself, but was found within it.</param>
/// <param name="Contradicts">Whether the reasons conclude on another label, and are left out for that.</param>
/// <param name="Unusable">Why what the answer has in the place of reasons is none; null where there is no such thing.</param>
internal readonly record struct TeacherAnswer(
    string? Rationale, string? Label, AnswerFault Fault = AnswerFault.None, string? Thoughts = null, bool Mapped = false,
    bool Contradicts = false, string? Unusable = null);
