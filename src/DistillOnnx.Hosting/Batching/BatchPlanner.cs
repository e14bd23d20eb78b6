namespace DistillOnnx.Hosting.Batching;

/// <summary>
/// Chooses the rows of a batch: the one whose turn it is, and of the others those with which a token costs least. A batch
/// costs as much as its padded tokens and a fixed share; too few rows pay the share alone, too uneven ones pay for padding.
/// </summary>
internal static class BatchPlanner
{
    /// <summary>Plans one batch.</summary>
    /// <param name="lengths">Tokens of each waiting row, in the order of their turn; the first is always taken.</param>
    /// <param name="options">The limits.</param>
    /// <param name="maxTokens">Most tokens of this batch, padding counted.</param>
    /// <param name="urgent">
    /// How many of them, from the first, come before the others. The batch forms among these; others only fill the room that
    /// it leaves anyway.
    /// </param>
    /// <returns>Indices into <paramref name="lengths"/>, the longest row first.</returns>
    public static int[] Plan(ReadOnlySpan<int> lengths, BatchOptions options, int maxTokens, int urgent = 0)
    {
        var among = urgent > 0 ? Math.Min(urgent, lengths.Length) : lengths.Length;
        var order = ByLength(lengths[..among], first: 0);
        var (from, to) = Cheapest(lengths, order, options, maxTokens);
        var chosen = order[from..(to + 1)];
        Array.Reverse(chosen);
        return among == lengths.Length ? chosen : Fill(lengths, among, chosen, options, maxTokens);
    }

    /// <summary>The stretch of rows, shortest first, that holds row 0 and has the least cost for a token of text.</summary>
    private static (int From, int To) Cheapest(ReadOnlySpan<int> lengths, int[] order, BatchOptions options, int maxTokens)
    {
        var head = Array.IndexOf(order, 0);
        var (best, least) = ((From: head, To: head), double.MaxValue);
        for (var from = head; from >= 0; from--)
        {
            long text = 0;
            for (var to = from; to < order.Length; to++)
            {
                text += lengths[order[to]];
                if (to < head) continue;
                var rows = to - from + 1;
                var padded = (long)lengths[order[to]] * rows;
                if (rows > 1 && (rows > options.MaxRows || padded > maxTokens)) break;
                var cost = (padded + options.OverheadTokens) / (double)text;
                if (cost < least) (best, least) = ((from, to), cost);
            }
        }

        return best;
    }

    /// <summary>Adds rows that are no longer than the longest, as long as each makes a token cheaper.</summary>
    private static int[] Fill(ReadOnlySpan<int> lengths, int from, int[] chosen, BatchOptions options, int maxTokens)
    {
        var batch = new List<int>(chosen);
        var longest = lengths[chosen[0]];
        long text = 0;
        foreach (var i in chosen) text += lengths[i];
        var others = ByLength(lengths[from..], first: from);
        for (var o = others.Length - 1; o >= 0; o--)
        {
            var length = lengths[others[o]];
            if (length > longest) continue;
            if (batch.Count == options.MaxRows || (long)longest * (batch.Count + 1) > maxTokens) break;
            if ((long)longest * text > length * ((long)longest * batch.Count + options.OverheadTokens)) break;
            batch.Add(others[o]);
            text += length;
        }

        return [.. batch];
    }

    /// <summary>Indices of rows, shortest first; of two as long the one whose turn is later comes first.</summary>
    private static int[] ByLength(ReadOnlySpan<int> lengths, int first)
    {
        var keys = new (int Length, int Turn)[lengths.Length];
        var rows = new int[lengths.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            keys[i] = (lengths[i], -i);
            rows[i] = first + i;
        }

        Array.Sort(keys, rows);
        return rows;
    }
}
