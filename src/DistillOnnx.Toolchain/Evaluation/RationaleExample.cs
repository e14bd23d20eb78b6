namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>A row's rationale in the student's words and in those of the row.</summary>
/// <param name="Id">The row.</param>
/// <param name="Text">Its input.</param>
/// <param name="Gold">Its gold label.</param>
/// <param name="Answered">What the student answered.</param>
/// <param name="Student">What the student wrote.</param>
/// <param name="Teacher">The row's rationale; null where it has none.</param>
public sealed record RationaleExample(string Id, string Text, string Gold, string Answered, string Student, string? Teacher);
