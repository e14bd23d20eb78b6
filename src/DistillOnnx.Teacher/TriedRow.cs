namespace DistillOnnx.Teacher;

/// <summary>A row of a trial.</summary>
public sealed record TriedRow
{
    /// <summary>The row.</summary>
    public required string Id { get; init; }

    /// <summary>The prompt, message by message.</summary>
    public required string Prompt { get; init; }

    /// <summary>The unchanged answer; null where there is none.</summary>
    public string? RawAnswer { get; init; }

    /// <summary>The model's thoughts; null where there are none.</summary>
    public string? Thoughts { get; init; }

    /// <summary>The rationale read out of it.</summary>
    public string? Rationale { get; init; }

    /// <summary>The label read out of it.</summary>
    public string? Label { get; init; }

    /// <summary>The gold label; null where the row has none.</summary>
    public string? Gold { get; init; }

    /// <summary>What becomes of the row, and why.</summary>
    public required string Verdict { get; init; }
}
