namespace DistillOnnx.Teacher.Prompts;

/// <summary>How a prompt is put to the teacher.</summary>
public enum PromptStyle
{
    /// <summary>As a conversation: instruction, exemplars as earlier turns, the row as the last one.</summary>
    Chat,

    /// <summary>As one text to be continued, for models without instruction tuning (<c>/completions</c>).</summary>
    Completion,
}
