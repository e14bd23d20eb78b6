namespace DistillOnnx.Data.Completions;

/// <summary>What a completion says.</summary>
/// <param name="Rationale">The reasons before the answer; null where there are none, or no answer shows where they end.</param>
/// <param name="Label">The teacher's label; null where <paramref name="Fault"/> is not <see cref="CompletionFault.None"/>.</param>
/// <param name="Fault">Why there is no label.</param>
public readonly record struct ParsedCompletion(string? Rationale, string? Label, CompletionFault Fault = CompletionFault.None);
