using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>
/// Counts gold labels. Those of a closed set are all kept; of an open one each label is a digest and a count, beyond some ten thousand
/// of them in a temporary file, and only the texts of the most frequent ones are in memory.
/// </summary>
/// <param name="set">The closed set; null: labels are open.</param>
/// <param name="listed">How many of an open set are listed.</param>
internal sealed class LabelCounts(IReadOnlyList<string>? set, int listed) : IDisposable
{
    private static readonly Comparer<(string Label, long Rows)> MostFirst = Comparer<(string Label, long Rows)>.Create((a, b) =>
        a.Rows != b.Rows ? b.Rows.CompareTo(a.Rows) : string.CompareOrdinal(a.Label, b.Label));

    private readonly Dictionary<string, long> _kept = (set ?? []).ToDictionary(l => l, _ => 0L, StringComparer.Ordinal);
    private readonly KeyTable _all = new();

    /// <summary>How many different labels occurred.</summary>
    public long Distinct => _all.Count;

    /// <summary>Counts a row.</summary>
    /// <param name="label">Its label.</param>
    public void Add(string label)
    {
        var key = KeyTable.Digest(label);
        var rows = Math.Max(0, _all.Find(key)) + 1;
        _all.Set(key, rows);
        if (set is not null || _kept.ContainsKey(label) || _kept.Count < listed)
        {
            _kept[label] = rows;
            return;
        }

        // Counts only grow, so a label that is not among the first here can become one of them only when it comes again.
        var last = _kept.Select(k => (Label: k.Key, Rows: k.Value)).Max(MostFirst);
        if (MostFirst.Compare((label, rows), last) >= 0) return;
        _kept.Remove(last.Label);
        _kept.Add(label, rows);
    }

    /// <summary>Rows of each label of a closed set; of the most frequent ones of an open set, in their order.</summary>
    public IReadOnlyDictionary<string, long> Counts() => set is not null
        ? set.ToDictionary(l => l, l => _kept[l])
        : _kept.Select(k => (Label: k.Key, Rows: k.Value)).Order(MostFirst).ToDictionary(k => k.Label, k => k.Rows);

    public void Dispose() => _all.Dispose();
}
