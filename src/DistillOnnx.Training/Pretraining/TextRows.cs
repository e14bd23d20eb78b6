using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Pretraining;

/// <summary>The rows of each step of pretraining: lines of text with spans taken out.</summary>
internal sealed class TextRows : ITrainingRows
{
    private readonly TextLines _lines;
    private readonly T5Tokenizer _tokenizer;
    private readonly SpanCorruption _corruption;
    private readonly PretrainOptions _options;

    public TextRows(TextLines lines, T5Tokenizer tokenizer, PretrainOptions options)
    {
        (_lines, _tokenizer, _options) = (lines, tokenizer, options);
        _corruption = new SpanCorruption(tokenizer, options.Corruption, options.MeanSpan);
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainingRow> Rows(int step)
    {
        var first = (long)step * _options.BatchSize;
        return Rows(Enumerable.Range(0, _options.BatchSize).Select(i => _lines.At(first + i)), first);
    }

    /// <summary>Makes rows of lines.</summary>
    /// <param name="lines">The lines.</param>
    /// <param name="position">Names the rows, and decides their spans.</param>
    public IReadOnlyList<TrainingRow> Rows(IEnumerable<string> lines, long position)
    {
        var random = new SplitMix64(unchecked((_options.Seed * 7_368_787) + position));
        var rows = new List<TrainingRow>();
        void Take(ReadOnlySpan<int> tokens)
        {
            if (tokens.Length >= 2) rows.Add(new TrainingRow($"line {position + rows.Count}", [_corruption.Apply(tokens, random)]));
        }

        foreach (var line in lines)
        {
            var tokens = _tokenizer.Encode(line, appendEos: false);
            for (var at = 0; at < tokens.Length; at += _options.MaxInputTokens)
                Take(tokens.AsSpan(at, Math.Min(_options.MaxInputTokens, tokens.Length - at)));
        }

        // A step of blank or one-token lines: something has to be learnt all the same.
        if (rows.Count == 0) Take([_tokenizer.UnkId, _tokenizer.UnkId]);
        return rows;
    }
}
