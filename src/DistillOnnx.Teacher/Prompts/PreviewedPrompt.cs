namespace DistillOnnx.Teacher.Prompts;

/// <summary>A prompt as it would be sent.</summary>
/// <param name="Split">The row's split.</param>
/// <param name="Id">The row.</param>
/// <param name="Messages">Role and text of each message.</param>
public sealed record PreviewedPrompt(string Split, string Id, IReadOnlyList<PreviewedMessage> Messages);
