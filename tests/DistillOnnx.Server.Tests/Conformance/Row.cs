namespace DistillOnnx.Server.Tests.Conformance;

/// <summary>A row to label.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Choices">Its choices; empty where the task has labels.</param>
internal sealed record Row(string Text, params string[] Choices);
