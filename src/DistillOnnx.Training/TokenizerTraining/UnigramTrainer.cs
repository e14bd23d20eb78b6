using DistillOnnx.Core;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Core.Tokenization.Models;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Training.TokenizerTraining;

/// <summary>
/// Trains a Unigram vocabulary (Kudo 2018) and writes it as a <c>spiece.model</c> in T5's layout: pad 0, end 1, unknown 2, no
/// begin token. Starts from all frequent substrings of words and alternates expectation–maximisation with pruning of the
/// pieces that cost the least likelihood. The same text gives the same bytes, on any machine with the same floating point.
/// </summary>
internal static class UnigramTrainer
{
    private const int SpecialPieces = 3;
    private const int SubIterations = 2;
    private const double Shrink = 0.75;

    /// <summary>Pruning stops this far above the target; the last pieces are then taken by score.</summary>
    private const double Slack = 1.1;

    /// <summary>Trains.</summary>
    /// <param name="texts">The text to learn from, one passage each; order does not matter.</param>
    /// <param name="options">How.</param>
    /// <param name="reporter">Receives progress.</param>
    /// <param name="cancellationToken">Stops training.</param>
    /// <returns>The content of <c>spiece.model</c>; give it to <see cref="T5Tokenizer.FromModel"/>.</returns>
    /// <exception cref="InputException">The options are wrong, the text is empty, or the vocabulary cannot hold its characters.</exception>
    public static byte[] Train(
        IEnumerable<string> texts, UnigramTrainerOptions? options = null, IReporter? reporter = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new UnigramTrainerOptions();
        if (options.Validate() is { Count: > 0 } faults) throw new InputException($"tokenizer options: {string.Join("; ", faults)}");
        reporter ??= Reporter.None;

        var frame = new SentencePieceModel
        {
            Pieces = [],
            NormalizerName = NormalizationRules.Name,
            PrecompiledCharsMap = CharsMapBuilder.Build(NormalizationRules.All()),
        };
        var words = WordTable.Collect(texts, frame, options, cancellationToken);
        var target = options.VocabularySize - SpecialPieces;
        if (words.Characters.Count > target)
        {
            throw new InputException(
                $"tokenizer: a vocabulary of {options.VocabularySize} cannot hold the text's {words.Characters.Count} "
                + $"characters and {SpecialPieces} special pieces; "
                + "enlarge it or lower the character coverage");
        }

        var lexicon = new UnigramLexicon(words, SeedPieces.Find(words, options, target));
        var goal = Math.Max(target, (int)(target * Slack));
        for (var round = 1; ; round++)
        {
            for (var i = 0; i < SubIterations; i++) lexicon.Improve(cancellationToken);
            reporter.Progress("tokenizer", round, null, $"{lexicon.Pieces.Count} pieces");
            if (lexicon.Pieces.Count <= goal) break;
            lexicon.Prune(Math.Max(goal, (int)(lexicon.Pieces.Count * Shrink)), cancellationToken);
        }

        return SentencePieceModelWriter.Write(frame with { Pieces = Finish(lexicon, words, target) });
    }

    /// <summary>Special pieces, then the best by score; every character of the text is among them.</summary>
    private static List<Piece> Finish(UnigramLexicon lexicon, WordTable words, int target)
    {
        var scores = lexicon.Pieces.Where(p => float.IsFinite(p.Score)).ToDictionary(p => p.Text, p => p.Score, StringComparer.Ordinal);
        var lowest = scores.Count > 0 ? scores.Values.Min() : 0;
        var kept = new Dictionary<string, float>(StringComparer.Ordinal);
        foreach (var (character, rank) in words.Characters.Select((c, i) => (c, i)))
        {
            // A character that longer pieces took over entirely has no score of its own; it stays reachable, below all others.
            kept[character] = scores.TryGetValue(character, out var score) ? score : lowest - (1e-4f * (rank + 1));
        }

        foreach (var (text, score) in scores.OrderByDescending(p => p.Value).ThenBy(p => p.Key, StringComparer.Ordinal))
        {
            if (kept.Count == target) break;
            kept.TryAdd(text, score);
        }

        return
        [
            new Piece("<pad>", 0, PieceType.Control),
            new Piece("</s>", 0, PieceType.Control),
            new Piece("<unk>", 0, PieceType.Unknown),
            .. kept.OrderByDescending(p => p.Value).ThenBy(p => p.Key, StringComparer.Ordinal)
                .Select(p => new Piece(p.Key, p.Value, PieceType.Normal)),
        ];
    }
}
