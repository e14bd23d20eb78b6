namespace DistillOnnx.Toolchain.Inspect;

/// <summary>An input that occurs more than once.</summary>
/// <param name="Input">Its beginning.</param>
/// <param name="Rows">The first rows that have it: <c>split/id: label</c>.</param>
public sealed record RepeatedInput(string Input, IReadOnlyList<string> Rows);
