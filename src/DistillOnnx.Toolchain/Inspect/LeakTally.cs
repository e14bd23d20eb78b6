namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Counts what a split has in common with an earlier one.</summary>
internal sealed class LeakTally(SplitTally earlier, string later)
{
    private readonly List<UInt128> _examples = [];
    private long _inputs, _rows, _different;

    /// <summary>The first inputs that both have.</summary>
    public IReadOnlyList<UInt128> Examples => _examples;

    /// <summary>Counts a row of the later split.</summary>
    public void Add(UInt128 key, long label, bool isNew)
    {
        var found = earlier.Inputs.Find(key);
        if (found < 0) return;
        _rows++;
        if (!isNew) return;
        _inputs++;
        if (found > 0 && label > 0 && found != label) _different++;
        if (_examples.Count < DatasetInspector.Examples) _examples.Add(key);
    }

    /// <summary>What was counted.</summary>
    /// <param name="examples">Finds an input's rows in a split.</param>
    public LeakFacts Facts(Func<UInt128, string, RepeatedInput> examples) => new()
    {
        Splits = $"{earlier.Split}, {later}",
        Inputs = _inputs,
        Rows = _rows,
        DifferentLabels = _different,
        Examples = [.. _examples.Select(k => Join(examples(k, earlier.Split), examples(k, later)))],
    };

    private static RepeatedInput Join(RepeatedInput a, RepeatedInput b) => new(a.Input, [.. a.Rows, .. b.Rows]);
}
