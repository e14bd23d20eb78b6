namespace DistillOnnx.Core.Prediction;

/// <summary>A rationale that a student wrote.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsCut">Whether it ends where <see cref="ExplainSettings.MaxTokens"/> ended it, and not where the student would have.</param>
public readonly record struct Rationale(string Text, bool IsCut);
