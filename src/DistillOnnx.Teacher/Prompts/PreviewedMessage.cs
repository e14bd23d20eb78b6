namespace DistillOnnx.Teacher.Prompts;

/// <summary>One message of a prompt.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Text">The text.</param>
public sealed record PreviewedMessage(string Role, string Text);
