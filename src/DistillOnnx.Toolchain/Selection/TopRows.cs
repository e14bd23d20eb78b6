namespace DistillOnnx.Toolchain.Selection;

/// <summary>The first rows of all that are added, by their order, in memory for these alone.</summary>
/// <param name="count">How many are kept.</param>
internal sealed class TopRows(int count)
{
    private static readonly Comparer<Candidate> LastFirst = Comparer<Candidate>.Create((a, b) => b.CompareTo(a));

    private readonly PriorityQueue<Candidate, Candidate> _kept = new(LastFirst);

    /// <summary>Adds a row; one that is not among the first is dropped.</summary>
    public void Add(Candidate row)
    {
        if (_kept.Count < count) _kept.Enqueue(row, row);
        else if (count > 0 && row.CompareTo(_kept.Peek()) < 0) _kept.EnqueueDequeue(row, row);
    }

    /// <summary>The rows, the first one first.</summary>
    public IReadOnlyList<Candidate> InOrder() => [.. _kept.UnorderedItems.Select(i => i.Element).Order()];
}
