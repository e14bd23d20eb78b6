namespace DistillOnnx.Core.Prediction;

/// <summary>A rationale that a student wrote.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsCut">Whether <see cref="ExplainSettings.MaxTokens"/> ended it, and not the student.</param>
public readonly record struct Rationale(string Text, bool IsCut);
