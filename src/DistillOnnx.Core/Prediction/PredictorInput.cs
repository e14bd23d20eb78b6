namespace DistillOnnx.Core.Prediction;

/// <summary>One input to label.</summary>
/// <param name="Text">The input text, without a task prefix.</param>
/// <param name="Choices">The closed set of this input, for tasks whose rows bring their own; otherwise null.</param>
public readonly record struct PredictorInput(string Text, IReadOnlyList<string>? Choices = null);
