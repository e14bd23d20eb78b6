using DistillOnnx.Data;

namespace DistillOnnx.Training.MicroBatches;

/// <summary>
/// Draws the rows of an epoch so that a class of n rows has a share in proportion to n to a power: 1 leaves the classes as they are, 0
/// makes them equal. A class that is drawn more often than it has rows repeats all of them before any for another time; of one that is
/// drawn less often, every epoch has a fresh part. Rows without a class are drawn once each.
/// </summary>
internal sealed class ClassSampler
{
    private readonly IReadOnlyList<int> _unclassed;
    private readonly IReadOnlyList<(int[] Rows, int Draws)> _classes;

    /// <param name="classes">The class of each row; null: it has none.</param>
    /// <param name="power">From 0 to 1.</param>
    public ClassSampler(IReadOnlyList<string?> classes, double power)
    {
        _unclassed = [.. Enumerable.Range(0, classes.Count).Where(i => classes[i] is null)];
        int[][] rows =
        [
            .. Enumerable.Range(0, classes.Count).Where(i => classes[i] is not null)
                .GroupBy(i => classes[i]!, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => g.ToArray()),
        ];
        var draws = Apportion(classes.Count - _unclassed.Count, [.. rows.Select(r => Math.Pow(r.Length, power))]);
        _classes = [.. rows.Zip(draws)];
    }

    /// <summary>Draws as many rows as there are.</summary>
    /// <param name="random">Decides which, and their order.</param>
    public int[] Draw(SplitMix64 random)
    {
        var drawn = new List<int>(_unclassed);
        foreach (var (rows, draws) in _classes)
        {
            var order = rows.ToArray();
            random.Shuffle(order.AsSpan());
            for (var i = 0; i < draws; i++) drawn.Add(order[i % order.Length]);
        }

        var all = drawn.ToArray();
        random.Shuffle(all.AsSpan());
        return all;
    }

    /// <summary>Whole numbers in proportion to shares: what rounding down leaves over goes to the largest remainders.</summary>
    private static int[] Apportion(int total, double[] shares)
    {
        var exact = shares.Select(s => total * s / shares.Sum()).ToArray();
        var counts = exact.Select(e => (int)e).ToArray();
        var rest = total - counts.Sum();
        foreach (var i in Enumerable.Range(0, counts.Length).OrderByDescending(i => exact[i] - counts[i]).Take(rest)) counts[i]++;
        return counts;
    }
}
