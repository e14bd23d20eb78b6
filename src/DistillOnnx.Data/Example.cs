using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Data;

/// <summary>One row of a dataset. What is unknown is null and absent from the file.</summary>
public sealed record Example
{
    /// <summary>Names the row within its dataset; unique within a split.</summary>
    public required string Id { get; init; }

    /// <summary>The input text, without a task prefix.</summary>
    public required string Input { get; init; }

    /// <summary>The gold label.</summary>
    public string? Label { get; init; }

    /// <summary>The reasons that lead to the label, from a teacher or a person. A blank text gives none and is null.</summary>
    public string? Rationale { get; init => field = string.IsNullOrWhiteSpace(value) ? null : value; }

    /// <summary>The label that the teacher gave.</summary>
    public string? TeacherLabel { get; init; }

    /// <summary>The closed set of this row, for tasks of kind <see cref="TaskKind.Choices"/>.</summary>
    public IReadOnlyList<string>? Choices { get; init; }
}
