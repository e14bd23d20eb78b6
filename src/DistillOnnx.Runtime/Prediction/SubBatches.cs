using DistillOnnx.Runtime.Sessions;

namespace DistillOnnx.Runtime.Prediction;

/// <summary>
/// Splits a batch into runs: rows of similar length together, so that little is spent on padding, and few runs, because
/// each reads the decoder's weights once. The partition of the rows sorted by length is the cheapest one under the budgets.
/// </summary>
internal static class SubBatches
{
    /// <summary>Plans the runs.</summary>
    /// <param name="lengths">Tokens of each row.</param>
    /// <param name="maxTokens">Most tokens of a run, padding counted; a single longer row is a run of its own.</param>
    /// <param name="maxRows">Most rows of a run.</param>
    /// <param name="shapes">Rounds lengths, and says what a run costs; null: lengths as they are.</param>
    /// <returns>Row indices of each run, longest rows first.</returns>
    public static IReadOnlyList<int[]> Plan(IReadOnlyList<int> lengths, int maxTokens, int maxRows, RunShapes? shapes = null)
    {
        shapes ??= RunShapes.AsTheyAre;
        if (lengths.Count == 0) return [];
        if (lengths.Count == 1) return [[0]];
        var order = new int[lengths.Count];
        var keys = new int[lengths.Count];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
            keys[i] = -shapes.Length(lengths[i]);
        }

        Array.Sort(keys, order);

        // best[end]: least cost of the first `end` rows; start[end]: where the last run of that optimum begins.
        var best = new long[order.Length + 1];
        var start = new int[order.Length + 1];
        for (var end = 1; end <= order.Length; end++)
        {
            best[end] = long.MaxValue;
            for (var begin = end - 1; begin >= 0; begin--)
            {
                var rows = end - begin;
                var tokens = (long)rows * -keys[begin];
                if (rows > 1 && (rows > maxRows || tokens > maxTokens)) break;
                var cost = best[begin] + tokens + shapes.TokensPerRun;
                if (cost >= best[end]) continue;
                best[end] = cost;
                start[end] = begin;
            }
        }

        var runs = new List<int[]>();
        for (var end = order.Length; end > 0; end = start[end]) runs.Add(order[start[end]..end]);
        runs.Reverse();
        return runs;
    }

    /// <summary>Splits runs whose rows bring tries that are too large for one run.</summary>
    /// <param name="runs">The runs, as row indices.</param>
    /// <param name="positions">Positions of each row's trie.</param>
    /// <param name="most">
    /// Most cells of a run: its rows, each with the square of the largest trie's positions. A single row always fits.
    /// </param>
    /// <returns>Row indices of each run, in the order given.</returns>
    public static IReadOnlyList<int[]> Split(IReadOnlyList<int[]> runs, IReadOnlyList<int> positions, long most)
    {
        var parts = new List<int[]>(runs.Count);
        foreach (var run in runs)
        {
            var begin = 0;
            var largest = 0L;
            for (var i = 0; i < run.Length; i++)
            {
                largest = Math.Max(largest, positions[run[i]]);
                if (i == begin || (i - begin + 1) * largest * largest <= most) continue;
                parts.Add(run[begin..i]);
                (begin, largest) = (i, positions[run[i]]);
            }

            parts.Add(run[begin..]);
        }

        return parts;
    }
}
