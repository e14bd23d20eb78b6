using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Teacher.Rows;

/// <summary>Counts what becomes of a split's rows, and keeps the first of each kind as examples.</summary>
/// <param name="task">What the rows ask.</param>
internal sealed class SplitTally(TaskSpec task)
{
    private const int ExamplesEach = 3;
    private readonly SortedDictionary<RowVerdict, long> _verdicts = [];
    private readonly SortedDictionary<RowVerdict, JsonArray> _examples = [];
    private long _rows, _withGold, _right, _rationalized, _labelled, _mapped;
    private double _votes;

    /// <summary>Why the first row failed that the teacher did not answer; null where there is none.</summary>
    public string? Fault { get; private set; }

    public void Add(Example example, RowOutcome outcome)
    {
        _rows++;
        _verdicts[outcome.Verdict] = _verdicts.GetValueOrDefault(outcome.Verdict) + 1;
        if (outcome.Rationalized) _rationalized++;
        if (outcome.Mapped) _mapped++;
        if (outcome.Verdict == RowVerdict.Failed) Fault ??= outcome.Fault;
        if (example.Label is { } gold && outcome.Verdict != RowVerdict.NotAsked)
        {
            _withGold++;
            if (outcome.Label is { } label && Accuracy.IsCorrect(task.Metric, label, gold)) _right++;
        }

        if (outcome.Label is not null)
        {
            _labelled++;
            _votes += outcome.VoteShare;
        }

        if (!_examples.TryGetValue(outcome.Verdict, out var examples)) _examples.Add(outcome.Verdict, examples = []);
        if (examples.Count < ExamplesEach) examples.Add(Show(example, outcome));
    }

    public AnnotatedSplit Result() => new()
    {
        Rows = _rows,
        Kept = _verdicts.GetValueOrDefault(RowVerdict.Kept),
        Dropped = _verdicts.Where(v => v.Key is not (RowVerdict.Kept or RowVerdict.NotAsked)).ToDictionary(v => Name(v.Key), v => v.Value),
        Left = _verdicts.GetValueOrDefault(RowVerdict.NotAsked),
        Rationalized = _rationalized,
        Mapped = _mapped,
        TeacherAccuracy = _withGold > 0 ? (double)_right / _withGold : null,
        MeanVoteShare = _labelled > 0 ? _votes / _labelled : null,
    };

    /// <summary>Examples of each kind.</summary>
    public JsonObject Examples() => new(_examples.Select(e => KeyValuePair.Create(Name(e.Key), (JsonNode?)e.Value)));

    /// <summary>A verdict as files name it.</summary>
    public static string Name(RowVerdict verdict) => JsonNamingPolicy.SnakeCaseLower.ConvertName(verdict.ToString());

    private static JsonObject Show(Example example, RowOutcome outcome)
    {
        var shown = new JsonObject { ["id"] = example.Id, ["input"] = example.Input };
        if (example.Label is not null) shown["label"] = example.Label;
        if (outcome.Label is not null) shown["teacher_label"] = outcome.Label;
        if (outcome.Rationale is not null) shown["rationale"] = outcome.Rationale;
        if (outcome.Fault is not null) shown["fault"] = outcome.Fault;
        if (outcome.RawAnswer is not null) shown["raw_answer"] = outcome.RawAnswer;
        return shown;
    }
}
