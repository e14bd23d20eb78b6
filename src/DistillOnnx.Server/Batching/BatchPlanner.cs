namespace DistillOnnx.Server.Batching;

/// <summary>Chooses the rows of a batch: the one whose turn it is, and those nearest to it in length.</summary>
internal static class BatchPlanner
{
    /// <summary>Plans one batch.</summary>
    /// <param name="lengths">Tokens of each waiting row, in the order of their turn; the first is always taken.</param>
    /// <param name="options">The limits.</param>
    /// <param name="urgent">How many of them, from the first, come before the others, however near those are in length.</param>
    /// <returns>Indices into <paramref name="lengths"/>, the longest row first.</returns>
    public static int[] Plan(ReadOnlySpan<int> lengths, BatchOptions options, int urgent = 0)
    {
        if (lengths.Length == 1 || options.MaxRows == 1) return [0];
        var nearest = Nearest(lengths);
        var chosen = new List<int>(options.MaxRows) { 0 };
        var taken = new bool[lengths.Length];
        taken[0] = true;
        var longest = lengths[0];
        long sum = lengths[0];

        // The urgent ones first. What room they leave would be run empty, so others fill it.
        foreach (var among in urgent > 1 && urgent < lengths.Length ? (int[])[urgent, lengths.Length] : [lengths.Length])
        {
            foreach (var i in nearest)
            {
                if (chosen.Count == options.MaxRows) break;
                if (i >= among || taken[i] || !Fits(sum + lengths[i], Math.Max(longest, lengths[i]), chosen.Count + 1, options)) continue;
                chosen.Add(i);
                taken[i] = true;
                longest = Math.Max(longest, lengths[i]);
                sum += lengths[i];
            }
        }

        var order = lengths.ToArray();
        return [.. chosen.OrderByDescending(i => order[i])];
    }

    /// <summary>All rows but the first, those nearest to it in length before others; of two as near the longer, of two as long the one whose turn is earlier.</summary>
    private static int[] Nearest(ReadOnlySpan<int> lengths)
    {
        var keys = new (int Distance, int Shorter, int Turn)[lengths.Length - 1];
        var rows = new int[lengths.Length - 1];
        for (var i = 1; i < lengths.Length; i++)
        {
            keys[i - 1] = (Math.Abs(lengths[i] - lengths[0]), lengths[i] < lengths[0] ? 1 : 0, i);
            rows[i - 1] = i;
        }

        Array.Sort(keys, rows);
        return rows;
    }

    private static bool Fits(long sum, int longest, int rows, BatchOptions options)
    {
        var padded = (long)longest * rows;
        return padded <= options.MaxTokens && padded - sum <= options.MaxPadding * padded;
    }
}
