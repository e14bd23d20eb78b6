namespace DistillOnnx.Teacher;

/// <summary>What a teacher makes of one input.</summary>
/// <param name="Label">Its label; null: it gave none that can be used.</param>
/// <param name="Rationale">Its reasons; null: it gave none that can be used.</param>
/// <param name="NotAsked">Whether it was not asked, because the budget might not cover it.</param>
/// <param name="Fault">Why there is no label, or why what was given as reasons is none.</param>
public sealed record LiveAnswer(string? Label, string? Rationale, bool NotAsked, string? Fault);
