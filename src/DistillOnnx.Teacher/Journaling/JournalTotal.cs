namespace DistillOnnx.Teacher.Journaling;

/// <summary>What a journal holds of one model.</summary>
/// <param name="Answers">Answers.</param>
/// <param name="Input">Tokens of their prompts.</param>
/// <param name="Output">Tokens of the answers.</param>
/// <param name="BatchInput">Of the prompts' tokens those that went by batch jobs.</param>
/// <param name="BatchOutput">Of the answers' tokens those that came by batch jobs.</param>
public readonly record struct JournalTotal(long Answers, long Input, long Output, long BatchInput, long BatchOutput)
{
    /// <summary>Of the answers' tokens those that were thoughts, where endpoints count them.</summary>
    public long Reasoning { get; init; }

    /// <summary>The total with one more answer.</summary>
    /// <param name="entry">The answer.</param>
    public JournalTotal With(JournalEntry entry) => new(
        Answers + (entry.Lost ? 0 : 1),
        Input + entry.InputTokens,
        Output + entry.OutputTokens,
        BatchInput + (entry.Batch ? entry.InputTokens : 0),
        BatchOutput + (entry.Batch ? entry.OutputTokens : 0))
    {
        Reasoning = Reasoning + entry.ReasoningTokens,
    };

    /// <summary>The sum of two totals.</summary>
    /// <param name="other">The other one.</param>
    internal JournalTotal Plus(JournalTotal other) => new(
        Answers + other.Answers,
        Input + other.Input,
        Output + other.Output,
        BatchInput + other.BatchInput,
        BatchOutput + other.BatchOutput)
    {
        Reasoning = Reasoning + other.Reasoning,
    };
}
