namespace DistillOnnx.Teacher.Journaling;

/// <summary>A recorded answer.</summary>
public sealed record JournalEntry
{
    /// <summary>The request's key in 32 hexadecimal digits.</summary>
    public required string Key { get; init; }

    /// <summary>The model that was asked, under the name that prices are listed by.</summary>
    public required string Teacher { get; init; }

    /// <summary>The model that answered, as the endpoint names it.</summary>
    public required string Model { get; init; }

    /// <summary>The answer; where the model refused, its words for that.</summary>
    public required string Text { get; init; }

    /// <summary>The thoughts that the endpoint set apart; null where it did not.</summary>
    public string? Thoughts { get; init; }

    /// <summary>Of the answer's tokens those that were thoughts, where the endpoint counts them.</summary>
    public long ReasoningTokens { get; init; }

    /// <summary>Why it ended, for instance <c>stop</c>, <c>length</c> or <c>content_filter</c>.</summary>
    public string? Finish { get; init; }

    /// <summary>Tokens of the prompt, as the endpoint counted them.</summary>
    public long InputTokens { get; init; }

    /// <summary>Tokens of the answer, as the endpoint counted them.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Whether it came by a batch job, at the price of those.</summary>
    public bool Batch { get; init; }

    /// <summary>Whether it could not be read: what it was charged counts, but it answers no request.</summary>
    public bool Lost { get; init; }

    /// <summary>Names what was charged, of an answer that could not be read and may be received again; null: it cannot.</summary>
    public string? Charge { get; init; }

    /// <summary>When it came, in UTC.</summary>
    public DateTimeOffset At { get; init; }
}
