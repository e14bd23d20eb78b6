using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>The statistics of several splits.</summary>
/// <param name="task">What the rows ask.</param>
internal sealed class SplitStatisticsSet(TaskSpec task) : IDisposable
{
    private readonly Dictionary<string, SplitStatistics> _splits = new(StringComparer.Ordinal);

    /// <summary>Counts a row.</summary>
    /// <param name="split">Its split.</param>
    /// <param name="row">The row.</param>
    public void Add(string split, ImportedRow row)
    {
        if (!_splits.TryGetValue(split, out var statistics)) _splits.Add(split, statistics = new SplitStatistics(task));
        statistics.Add(row);
    }

    /// <summary>What was counted, in the order of <see cref="SplitNames.All"/>.</summary>
    public IReadOnlyDictionary<string, ImportedSplit> Results() => new SortedDictionary<string, ImportedSplit>(
        _splits.ToDictionary(s => s.Key, s => s.Value.Result()), Comparer<string>.Create((a, b) => Position(a).CompareTo(Position(b))));

    public void Dispose()
    {
        foreach (var split in _splits.Values) split.Dispose();
    }

    private static int Position(string split) => SplitNames.All.Index().First(s => s.Item == split).Index;
}
