using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Counts a split, row by row.</summary>
internal sealed class SplitTally(string split, TaskSpec task, T5Tokenizer? tokenizer) : IDisposable
{
    private readonly LabelTally _labels = new(task.Labels, task.Metric);
    private readonly LengthTally _words = new();
    private readonly TokenTally? _tokens = tokenizer is null ? null : new TokenTally(tokenizer, task);
    private readonly PriorityQueue<RowExample, int> _longest = new();
    private long _rows, _withoutLabel, _withoutRationale, _withoutTeacher, _duplicates, _conflicts;

    /// <summary>The split's name.</summary>
    public string Split => split;

    /// <summary>Its inputs.</summary>
    public InputTable Inputs { get; } = new();

    /// <summary>The first inputs that are repeated.</summary>
    public List<UInt128> Duplicates { get; } = [];

    /// <summary>The first inputs with different labels.</summary>
    public List<UInt128> Conflicts { get; } = [];

    /// <summary>Counts a row.</summary>
    /// <returns>Whether its input is new in the split.</returns>
    public bool Add(Example row, UInt128 key, long label)
    {
        _rows++;
        if (row.Label is null) _withoutLabel++;
        else _labels.Add(row.Label, row.TeacherLabel);
        if (row.TeacherLabel is null) _withoutTeacher++;
        if (row.Rationale is null) _withoutRationale++;
        else _words.Add(row.Rationale.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length);
        _tokens?.Add(row);
        if (_longest.Count < DatasetInspector.Examples || row.Input.Length > _longest.Peek().Size)
        {
            _longest.Enqueue(new RowExample(row.Id, row.Input.Length, DatasetInspector.Shorten(row.Input)), row.Input.Length);
            if (_longest.Count > DatasetInspector.Examples) _longest.Dequeue();
        }

        var (repeated, contradicts) = Inputs.Add(key, label);
        if (repeated)
        {
            _duplicates++;
            if (Duplicates.Count < DatasetInspector.Examples && !Duplicates.Contains(key)) Duplicates.Add(key);
        }

        if (contradicts)
        {
            _conflicts++;
            if (Conflicts.Count < DatasetInspector.Examples) Conflicts.Add(key);
        }

        return !repeated;
    }

    /// <summary>What was counted.</summary>
    /// <param name="examples">Finds an input's rows in this split.</param>
    public SplitFacts Facts(Func<UInt128, RepeatedInput> examples)
    {
        var (labels, other, agreement) = _labels.Facts();
        return new SplitFacts
        {
            Rows = _rows,
            WithoutLabel = _withoutLabel,
            WithoutRationale = _withoutRationale,
            WithoutTeacherLabel = _withoutTeacher,
            Labels = labels,
            OtherLabels = other,
            DuplicateRows = _duplicates,
            Duplicates = [.. Duplicates.Select(examples)],
            ConflictingInputs = _conflicts,
            Conflicts = [.. Conflicts.Select(examples)],
            RationaleWords = _words.Facts(),
            Agreement = _labels.Agreement(),
            AgreementByLabel = agreement,
            Longest = [.. _longest.UnorderedItems.Select(i => i.Element)
                .OrderByDescending(e => e.Size)
                .ThenBy(e => e.Id, StringComparer.Ordinal)],
            Tokens = _tokens?.Facts(),
        };
    }

    public void Dispose() => Inputs.Dispose();
}
