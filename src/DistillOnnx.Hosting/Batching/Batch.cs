namespace DistillOnnx.Hosting.Batching;

/// <summary>Rows that run together.</summary>
/// <param name="Entries">The rows.</param>
/// <param name="SideBySide">Whether other batches may run beside it, each on its lane; else it has all threads to itself.</param>
internal sealed record Batch(IReadOnlyList<BatchEntry> Entries, bool SideBySide)
{
    /// <summary>Tokens of the rows.</summary>
    public long Tokens { get; } = Entries.Sum(e => (long)e.Row.Tokens);
}
