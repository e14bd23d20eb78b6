using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Inspects datasets: reads every split once, and once more for the rows of the examples.</summary>
internal static class DatasetInspector
{
    /// <summary>Most examples of a kind.</summary>
    public const int Examples = 5;

    private const int LongestText = 160;
    private const int ReportEvery = 10_000;

    /// <summary>A dataset's facts.</summary>
    public static DatasetFacts Run(string directory, T5Tokenizer? tokenizer, IReporter reporter, CancellationToken cancellationToken)
    {
        var dataset = Dataset.Open(directory);
        var (splits, leaks) = (new List<SplitTally>(), new List<LeakTally>());
        try
        {
            foreach (var split in dataset.Splits)
            {
                var tally = new SplitTally(split, dataset.Task, tokenizer);
                var pairs = splits.Select(s => new LeakTally(s, split)).ToArray();
                splits.Add(tally);
                leaks.AddRange(pairs);
                long rows = 0;
                foreach (var row in dataset.Stream(split, LabelNeed.None))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var (key, label) = (InputTable.Key(row), InputTable.Label(row.Label));
                    var isNew = tally.Add(row, key, label);
                    foreach (var pair in pairs) pair.Add(key, label, isNew);
                    if (++rows % ReportEvery == 0) reporter.Progress($"inspect {split}", rows, null);
                }
            }

            var found = Find(
                dataset,
                [.. splits.SelectMany(s => s.Duplicates.Concat(s.Conflicts)), .. leaks.SelectMany(l => l.Examples)],
                reporter,
                cancellationToken);
            return new DatasetFacts
            {
                Task = dataset.Task,
                Splits = splits.ToDictionary(s => s.Split, s => s.Facts(k => found[(k, s.Split)]), StringComparer.Ordinal),
                Leaks = [.. leaks.Select(l => l.Facts((k, split) => found[(k, split)]))],
            };
        }
        finally
        {
            foreach (var split in splits) split.Dispose();
        }
    }

    /// <summary>The beginning of a text.</summary>
    public static string Shorten(string text) =>
        text.Length <= LongestText ? text : text[..(char.IsHighSurrogate(text[LongestText - 1]) ? LongestText - 1 : LongestText)] + "…";

    // A row with a label that none of the kept ones has takes the last place, so that a contradiction shows.
    private static Dictionary<(UInt128 Key, string Split), RepeatedInput> Find(
        Dataset dataset, HashSet<UInt128> keys, IReporter reporter, CancellationToken cancellationToken)
    {
        var found = new Dictionary<(UInt128, string), (string Input, List<(string Id, string? Label)> Rows)>();
        foreach (var split in keys.Count == 0 ? [] : dataset.Splits)
        {
            long rows = 0;
            foreach (var row in dataset.Stream(split, LabelNeed.None))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (++rows % ReportEvery == 0) reporter.Progress($"inspect {split}: examples", rows, null);
                var key = InputTable.Key(row);
                if (!keys.Contains(key)) continue;
                if (!found.TryGetValue((key, split), out var entry)) found[(key, split)] = entry = (Shorten(row.Input), []);
                if (entry.Rows.Count < Examples) entry.Rows.Add((row.Id, row.Label));
                else if (entry.Rows.All(r => r.Label != row.Label)) entry.Rows[^1] = (row.Id, row.Label);
            }
        }

        return found.ToDictionary(
            f => f.Key,
            f => new RepeatedInput(
                f.Value.Input, [.. f.Value.Rows.Select(r => $"{f.Key.Item2}/{r.Id}: {Shorten(r.Label ?? "(no label)")}")]));
    }
}
