using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Pretraining;

/// <summary>
/// T5's denoising objective (Raffel et al. 2020, section 3.1.4): spans are taken out of a text, each replaced by a sentinel, and the
/// target is the sentinels with what they stand for.
/// </summary>
/// <param name="tokenizer">Gives sentinels and the end token.</param>
/// <param name="share">Share of tokens taken out.</param>
/// <param name="meanSpan">Mean length of a span.</param>
internal sealed class SpanCorruption(T5Tokenizer tokenizer, double share, double meanSpan)
{
    /// <summary>Corrupts a text.</summary>
    /// <param name="tokens">Its tokens, at least two, without an end token.</param>
    /// <param name="random">Decides the spans.</param>
    public TrainingSequence Apply(ReadOnlySpan<int> tokens, SplitMix64 random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens.Length, 2, nameof(tokens));
        var noise = Math.Clamp((int)Math.Round(tokens.Length * share), 1, tokens.Length - 1);
        var spans = Math.Clamp((int)Math.Round(noise / meanSpan), 1, Math.Min(tokenizer.ExtraIds, Math.Min(noise, tokens.Length - noise)));
        var taken = Segments(noise, spans, random);
        var kept = Segments(tokens.Length - noise, spans, random);
        var source = new List<int>(tokens.Length - noise + spans + 1);
        var target = new List<int>(noise + spans + 1);
        var at = 0;
        for (var i = 0; i < spans; i++)
        {
            source.AddRange(tokens.Slice(at, kept[i]));
            at += kept[i];
            source.Add(tokenizer.SentinelId(i));
            target.Add(tokenizer.SentinelId(i));
            target.AddRange(tokens.Slice(at, taken[i]));
            at += taken[i];
        }

        source.Add(tokenizer.EosId);
        target.Add(tokenizer.EosId);
        return new TrainingSequence([.. source], [.. target], LossPart.Label);
    }

    /// <summary>Cuts a length into parts of at least 1, every way with the same probability.</summary>
    private static int[] Segments(int length, int parts, SplitMix64 random)
    {
        // Which of the length − 1 gaps are cut: a random subset of the right size.
        var cuts = new bool[length];
        for (var i = 0; i < parts - 1; i++) cuts[i] = true;
        random.Shuffle(cuts.AsSpan(0, length - 1));
        var result = new int[parts];
        var part = 0;
        for (var i = 0; i < length; i++)
        {
            result[part]++;
            if (cuts[i]) part++;
        }

        return result;
    }
}
