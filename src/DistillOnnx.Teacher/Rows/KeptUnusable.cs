namespace DistillOnnx.Teacher.Rows;

/// <summary>
/// Counts the rows without a label whose answers are all in the journal: a further run reads these answers again and asks nothing.
/// </summary>
internal sealed class KeptUnusable
{
    private readonly SortedDictionary<RowVerdict, long> _verdicts = [];

    /// <summary>Notes what became of a row.</summary>
    public void Add(RowOutcome outcome)
    {
        if (outcome.Label is null && !outcome.Open && outcome.Verdict is RowVerdict.Unparsable or RowVerdict.Cut or RowVerdict.Failed)
            _verdicts[outcome.Verdict] = _verdicts.GetValueOrDefault(outcome.Verdict) + 1;
    }

    /// <summary>How many there are, why, and how they are asked again, one line; null where there are none.</summary>
    /// <param name="options">How the rows were asked.</param>
    public string? Line(AnnotateOptions options)
    {
        if (_verdicts.Count == 0) return null;
        var counts = string.Join(", ", _verdicts.Select(v => $"{Name(v.Key)} {v.Value}"));
        var file = Path.Combine(options.Out, AnnotatedDataset.FailedFile);
        // A run within another verb has the options of that one.
        var again = options.AfterBudget is null
            && _verdicts.ContainsKey(RowVerdict.Unparsable)
            && options.ParseRetries < AnnotateOptions.MostParseRetries
            ? $"--parse-retries {options.ParseRetries + 1} asks once more for those that are unparsable; "
            : "";
        return $"{_verdicts.Values.Sum()} rows have answers that cannot be used ({counts}); these are kept in the journal and not asked "
            + $"for again; {again}\"import jsonl\" makes a dataset of {file}, to be annotated with another teacher or other options";
    }

    // What failed although it was answered is a refusal.
    private static string Name(RowVerdict verdict) => verdict == RowVerdict.Failed ? "refused" : SplitTally.Name(verdict);
}
