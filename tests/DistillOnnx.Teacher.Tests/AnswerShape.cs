namespace DistillOnnx.Teacher.Tests;

/// <summary>One way in which models write an answer, and what is kept of it.</summary>
/// <param name="Name">Whose way it is.</param>
/// <param name="Content">The answer's text.</param>
/// <param name="Kept">What becomes of the row: <c>kept</c> or the reason why not.</param>
/// <param name="Label">The label that is read; null: none.</param>
public sealed record AnswerShape(string Name, string Content, string Kept = "kept", string? Label = "bug")
{
    /// <summary>The reasons within all shapes that have some.</summary>
    public const string Why = "It closes by itself when pressed.";

    /// <summary>The rationale where the row is kept.</summary>
    public string Rationale { get; init; } = Why;

    /// <summary>Thoughts beside the answer, as <c>reasoning_content</c>; null: none.</summary>
    public string? Thoughts { get; init; }

    /// <summary>Why the answer ended.</summary>
    public string Finish { get; init; } = "stop";

    /// <inheritdoc/>
    public override string ToString() => Name;
}
