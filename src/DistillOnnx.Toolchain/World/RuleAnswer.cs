namespace DistillOnnx.Toolchain.World;

/// <summary>What a rule-based teacher concludes.</summary>
/// <param name="Rationale">The facts that lead to the label.</param>
/// <param name="Label">The label.</param>
internal readonly record struct RuleAnswer(string Rationale, string Label);
