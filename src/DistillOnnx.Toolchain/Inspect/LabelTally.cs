using DistillOnnx.Core.Tasks;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Counts gold labels and the teacher's agreement with each. Of open answers, those beyond a bound are counted together.</summary>
internal sealed class LabelTally
{
    private const int Kept = 10_000, Listed = 20;
    private readonly Dictionary<string, (long Rows, long Both, long Equal)> _labels;
    private readonly TaskMetric _metric;
    private readonly bool _closed;
    private long _other, _both, _equal;

    /// <summary>Creates a tally.</summary>
    /// <param name="labels">The closed set; null: answers are open.</param>
    /// <param name="metric">What makes two labels the same answer.</param>
    public LabelTally(IReadOnlyList<string>? labels, TaskMetric metric)
    {
        _metric = metric;
        _closed = labels is not null;
        _labels = (labels ?? []).ToDictionary(l => l, _ => (0L, 0L, 0L), StringComparer.Ordinal);
    }

    /// <summary>Counts a row's labels.</summary>
    public void Add(string label, string? teacher)
    {
        var (both, equal) = (teacher is null ? 0 : 1, teacher is not null && Accuracy.IsCorrect(_metric, teacher, label) ? 1 : 0);
        _both += both;
        _equal += equal;
        if (_labels.TryGetValue(label, out var c) || _labels.Count < Kept) _labels[label] = (c.Rows + 1, c.Both + both, c.Equal + equal);
        else _other++;
    }

    /// <summary>Agreement over all labels; null where no row has both.</summary>
    public AgreementFacts? Agreement() => _both == 0 ? null : new AgreementFacts(_both, _equal);

    /// <summary>The labels to list, their counts, and the rows of those that are not listed.</summary>
    public (Dictionary<string, long> Labels, long Other, Dictionary<string, AgreementFacts> Agreement) Facts()
    {
        var listed = _closed
            ? [.. _labels]
            : _labels.OrderByDescending(l => l.Value.Rows).ThenBy(l => l.Key, StringComparer.Ordinal).Take(Listed).ToList();
        return (
            listed.ToDictionary(l => l.Key, l => l.Value.Rows, StringComparer.Ordinal),
            _labels.Values.Sum(l => l.Rows) - listed.Sum(l => l.Value.Rows) + _other,
            listed.Where(l => l.Value.Both > 0).ToDictionary(
                l => l.Key, l => new AgreementFacts(l.Value.Both, l.Value.Equal), StringComparer.Ordinal));
    }
}
