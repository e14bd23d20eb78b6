namespace DistillOnnx.Server.Batching;

/// <summary>What one batch was like.</summary>
/// <param name="Entries">Its rows.</param>
/// <param name="StartedAt">When it began, as the clock's timestamp.</param>
/// <param name="Duration">How long the model took.</param>
/// <param name="Completed">Whether all rows were answered in one run.</param>
internal sealed record BatchReport(IReadOnlyList<BatchEntry> Entries, long StartedAt, TimeSpan Duration, bool Completed)
{
    /// <summary>Tokens of the rows.</summary>
    public long Tokens { get; } = Entries.Sum(e => (long)e.Row.Tokens);

    /// <summary>Tokens that the model ran, padding counted.</summary>
    public long PaddedTokens { get; } = (long)Entries.Max(e => e.Row.Tokens) * Entries.Count;
}
