namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Counts lengths: memory is that of the different ones.</summary>
internal sealed class LengthTally
{
    private readonly SortedDictionary<int, long> _counts = [];
    private long _rows, _sum;

    /// <summary>Counts one.</summary>
    public void Add(int length)
    {
        _counts[length] = _counts.GetValueOrDefault(length) + 1;
        _rows++;
        _sum += length;
    }

    /// <summary>The distribution; null where nothing was counted.</summary>
    public LengthFacts? Facts() => _rows == 0
        ? null
        : new LengthFacts(_counts.First().Key, At(0.5), Math.Round((double)_sum / _rows, 2), At(0.9), At(0.99), _counts.Last().Key);

    private int At(double share)
    {
        var left = (long)Math.Ceiling(share * _rows);
        return _counts.First(c => (left -= c.Value) <= 0).Key;
    }
}
