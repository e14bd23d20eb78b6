using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>Counts a split's tokens.</summary>
internal sealed class TokenTally(T5Tokenizer tokenizer, TaskSpec task)
{
    private readonly int _limit = task.MaxInputTokens ?? TaskSpec.DefaultMaxInputTokens;
    private readonly LengthTally _lengths = new();
    private readonly List<RowExample> _cutExamples = [], _unknownExamples = [];
    private long _cut, _unknownInputs, _unknownLabels;

    /// <summary>Counts a row.</summary>
    public void Add(Example row)
    {
        var ids = tokenizer.Encode(task.PredictPrefix + row.Input, task.SegmentSeparator, int.MaxValue, out _);
        _lengths.Add(ids.Length);
        if (ids.Length > _limit)
        {
            _cut++;
            Keep(_cutExamples, row.Id, ids.Length, row.Input);
        }

        if (Unknown(ids) is > 0 and var pieces)
        {
            _unknownInputs++;
            Keep(_unknownExamples, row.Id, pieces, row.Input);
        }

        if (row.Label is not null && Unknown(tokenizer.Encode(row.Label)) is > 0 and var inLabel)
        {
            _unknownLabels++;
            Keep(_unknownExamples, row.Id, inLabel, row.Label);
        }
    }

    /// <summary>What was counted.</summary>
    public TokenFacts Facts() => new()
    {
        Lengths = _lengths.Facts(),
        Limit = _limit,
        Cut = _cut,
        CutExamples = _cutExamples,
        UnknownInputs = _unknownInputs,
        UnknownLabels = _unknownLabels,
        UnknownExamples = _unknownExamples,
    };

    private static void Keep(List<RowExample> examples, string id, int size, string text)
    {
        if (examples.Count < DatasetInspector.Examples) examples.Add(new RowExample(id, size, DatasetInspector.Shorten(text)));
    }

    private int Unknown(int[] ids) => ids.Count(i => i == tokenizer.UnkId);
}
