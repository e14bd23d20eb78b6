using DistillOnnx.Data;

namespace DistillOnnx.Training.MicroBatches;

/// <summary>
/// Which rows each step takes. A function of seed and step alone: every epoch is a fresh permutation, so a resumed run finds
/// its place without any state. Within a window of batches, rows of like length can be put together.
/// </summary>
internal sealed class BatchOrder
{
    private readonly IReadOnlyList<int> _lengths;
    private readonly int _batch;
    private readonly int _window;
    private readonly long _seed;
    private readonly ClassSampler? _sampler;
    private long _epoch = -1;
    private int[][] _batches = [];

    /// <param name="lengths">Each row's length in tokens.</param>
    /// <param name="batchSize">Rows of a step; the last one of an epoch may have fewer.</param>
    /// <param name="window">Batches among which rows are sorted by length before they are cut into batches; 1 leaves the permutation as
    /// it is.</param>
    /// <param name="seed">Seed of the permutations.</param>
    /// <param name="sampler">Draws the rows of an epoch; null: every row once.</param>
    public BatchOrder(IReadOnlyList<int> lengths, int batchSize, int window, long seed, ClassSampler? sampler = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lengths.Count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        _lengths = lengths;
        _batch = batchSize;
        _window = window;
        _seed = seed;
        _sampler = sampler;
        StepsPerEpoch = (lengths.Count + batchSize - 1) / batchSize;
    }

    /// <summary>Steps of an epoch, which is as many rows as there are.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>The rows of a step.</summary>
    /// <param name="step">From 0.</param>
    /// <returns>Positions of rows; at least one.</returns>
    public IReadOnlyList<int> Rows(long step)
    {
        var epoch = step / StepsPerEpoch;
        if (epoch != _epoch)
        {
            _batches = Plan(epoch);
            _epoch = epoch;
        }

        return _batches[step % StepsPerEpoch];
    }

    private int[] Permutation(SplitMix64 random)
    {
        var rows = Enumerable.Range(0, _lengths.Count).ToArray();
        random.Shuffle(rows.AsSpan());
        return rows;
    }

    private int[][] Plan(long epoch)
    {
        var random = new SplitMix64(unchecked((_seed * 1_000_003) + epoch));
        var rows = _sampler?.Draw(random) ?? Permutation(random);
        if (_window == 1) return [.. rows.Chunk(_batch)];

        var batches = new List<int[]>(StepsPerEpoch);
        int[]? last = null;
        foreach (var window in rows.Chunk(_batch * _window))
        {
            // A stable sort: rows of one length stay in the permutation's order.
            foreach (var batch in window.OrderBy(r => _lengths[r]).Chunk(_batch))
            {
                if (batch.Length == _batch) batches.Add(batch);
                else last = batch;
            }
        }

        var order = batches.ToArray();
        random.Shuffle(order.AsSpan());
        return last is null ? order : [.. order, last];
    }
}
