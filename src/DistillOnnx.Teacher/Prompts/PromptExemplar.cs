namespace DistillOnnx.Teacher.Prompts;

/// <summary>A solved row that shows the teacher the expected answer.</summary>
public sealed record PromptExemplar
{
    /// <summary>The input, as in a dataset.</summary>
    public required string Input { get; init; }

    /// <summary>The row's choices, for tasks whose rows bring their own.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>The reasons.</summary>
    public required string Rationale { get; init; }

    /// <summary>The label.</summary>
    public required string Label { get; init; }
}
