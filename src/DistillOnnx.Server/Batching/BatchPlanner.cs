namespace DistillOnnx.Server.Batching;

/// <summary>Chooses the rows of a batch: the one whose turn it is, and those nearest to it in length.</summary>
internal static class BatchPlanner
{
    /// <summary>Plans one batch.</summary>
    /// <param name="lengths">Tokens of each waiting row, in the order of their turn; the first is always taken.</param>
    /// <param name="options">The limits.</param>
    /// <returns>Indices into <paramref name="lengths"/>, the longest row first.</returns>
    public static int[] Plan(ReadOnlySpan<int> lengths, BatchOptions options)
    {
        if (lengths.Length == 1 || options.MaxRows == 1) return [0];
        var order = new int[lengths.Length];
        var keys = lengths.ToArray();
        for (var i = 0; i < order.Length; i++) order[i] = i;
        // Ties keep the order of turns: a stable order by length, then by position.
        Array.Sort(order, (a, b) => keys[a] != keys[b] ? keys[a].CompareTo(keys[b]) : a.CompareTo(b));

        var head = Array.IndexOf(order, 0);
        var (low, high) = (head, head);
        long sum = keys[0];
        while (high - low + 1 < options.MaxRows)
        {
            var shorter = low > 0 ? keys[order[low - 1]] : -1;
            var longer = high < order.Length - 1 ? keys[order[high + 1]] : -1;
            var canShorter = shorter >= 0 && Fits(sum + shorter, keys[order[high]], high - low + 2, options);
            var canLonger = longer >= 0 && Fits(sum + longer, longer, high - low + 2, options);
            if (!canShorter && !canLonger) break;
            if (canLonger && (!canShorter || longer - keys[0] <= keys[0] - shorter))
            {
                high++;
                sum += longer;
            }
            else
            {
                low--;
                sum += shorter;
            }
        }

        var chosen = order[low..(high + 1)];
        Array.Reverse(chosen);
        return chosen;
    }

    private static bool Fits(long sum, int longest, int rows, BatchOptions options)
    {
        var padded = (long)longest * rows;
        return padded <= options.MaxTokens && padded - sum <= options.MaxPadding * padded;
    }
}
