namespace DistillOnnx.Teacher.Journaling;

/// <summary>An answer that was paid for.</summary>
public sealed record JournalEntry
{
    /// <summary>The request's key in 32 hexadecimal digits.</summary>
    public required string Key { get; init; }

    /// <summary>The model that answered, as the endpoint names it.</summary>
    public required string Model { get; init; }

    /// <summary>The answer.</summary>
    public required string Text { get; init; }

    /// <summary>Why it ended, for instance <c>stop</c> or <c>length</c>.</summary>
    public string? Finish { get; init; }

    /// <summary>Tokens of the prompt, as the endpoint counted them.</summary>
    public long InputTokens { get; init; }

    /// <summary>Tokens of the answer, as the endpoint counted them.</summary>
    public long OutputTokens { get; init; }

    /// <summary>When it came, in UTC.</summary>
    public DateTimeOffset At { get; init; }
}
