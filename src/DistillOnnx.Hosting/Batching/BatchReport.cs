namespace DistillOnnx.Hosting.Batching;

/// <summary>What one batch was like.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="StartedAt">When it began, as the clock's timestamp.</param>
/// <param name="Duration">How long the model took.</param>
/// <param name="Completed">Whether all rows were answered in one run.</param>
internal sealed record BatchReport(Batch Batch, long StartedAt, TimeSpan Duration, bool Completed)
{
    /// <summary>Tokens that the model ran, padding counted.</summary>
    public long PaddedTokens { get; } = (long)Batch.Entries.Max(e => e.Row.Tokens) * Batch.Entries.Count;
}
