namespace DistillOnnx.Teacher.Answers;

/// <summary>An answer that is an object.</summary>
/// <param name="Label">What it names as the label.</param>
/// <param name="Rationale">Its reasons; null: it has none.</param>
/// <param name="Unusable">Why what it has in the place of reasons is none; null: there is no such thing.</param>
/// <param name="Start">Where the object begins in the text.</param>
/// <param name="IsOneOfSeveral">Whether objects with other labels stand beside it.</param>
internal readonly record struct JsonAnswer(string Label, string? Rationale, string? Unusable, int Start, bool IsOneOfSeveral);
