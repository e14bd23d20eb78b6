namespace DistillOnnx.Teacher.Rows;

/// <summary>Outcome of a row.</summary>
internal sealed record RowOutcome
{
    /// <summary>What becomes of the row.</summary>
    public required RowVerdict Verdict { get; init; }

    /// <summary>The label of most samples; null where none gave one.</summary>
    public string? Label { get; init; }

    /// <summary>The reasons; null where there are none.</summary>
    public string? Rationale { get; init; }

    /// <summary>The label's share of all samples.</summary>
    public double VoteShare { get; init; }

    /// <summary>Whether the reasons explain the gold label that was given to the teacher.</summary>
    public bool Rationalized { get; init; }

    /// <summary>The model that answered.</summary>
    public string? Model { get; init; }

    /// <summary>SHA-256 of the prompt that the reasons answer.</summary>
    public required string PromptHash { get; init; }

    /// <summary>Tokens of all prompts of the row.</summary>
    public long InputTokens { get; init; }

    /// <summary>Tokens of all answers of the row.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Whether the fault is the row's own: refused by a content filter, or longer than the model reads.</summary>
    public bool Refused { get; init; }

    /// <summary>Whether a request of the row has no answer, so that a further run asks it.</summary>
    public bool Open { get; init; }

    /// <summary>Why the teacher did not answer, or why what it gave as reasons is none; null where it did and they are.</summary>
    public string? Fault { get; init; }

    /// <summary>The last answer, unchanged, where it or its reasons could not be read; null where there is none.</summary>
    public string? RawAnswer { get; init; }

    /// <summary>The last answer unchanged, readable or not; null where there is none. It is in no file.</summary>
    public string? LastAnswer { get; init; }

    /// <summary>The thoughts that came with it; null where there are none. They are in no file but the journal.</summary>
    public string? Thoughts { get; init; }

    /// <summary>Whether there are no reasons since those that came conclude on another label.</summary>
    public bool Contradicts { get; init; }

    /// <summary>Whether the label was found within the answer's words and is not the answer itself.</summary>
    public bool Mapped { get; init; }
}
