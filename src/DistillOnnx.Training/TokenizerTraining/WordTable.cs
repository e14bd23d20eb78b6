using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Training.TokenizerTraining;

/// <summary>The distinct words of a text with their counts. No piece crosses a space, so words are all that training needs.</summary>
internal sealed class WordTable
{
    private WordTable(List<(string Text, long Count)> words, List<string> characters)
    {
        Words = words;
        Characters = characters;
    }

    /// <summary>Words with the space mark in front, in ordinal order.</summary>
    public IReadOnlyList<(string Text, long Count)> Words { get; }

    /// <summary>The characters that pieces must cover, most frequent first.</summary>
    public IReadOnlyList<string> Characters { get; }

    /// <summary>Normalises text and counts its words.</summary>
    /// <param name="texts">Passages.</param>
    /// <param name="frame">How to normalise.</param>
    /// <param name="options">Character coverage.</param>
    /// <param name="cancellationToken">Stops counting.</param>
    public static WordTable Collect(
        IEnumerable<string> texts, SentencePieceModel frame, UnigramTrainerOptions options, CancellationToken cancellationToken)
    {
        var normalizer = new TextNormalizer(frame, "tokenizer");
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        var lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var text in texts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var buffer = new ByteBuffer(text.Length + 16);
            normalizer.Normalize(Encoding.UTF8.GetBytes(text), ref buffer);
            var rest = Encoding.UTF8.GetString(buffer.Written).AsSpan();
            buffer.Dispose();
            while (!rest.IsEmpty)
            {
                var next = rest[1..].IndexOf(SentencePieceModel.Space);
                var word = next < 0 ? rest : rest[..(next + 1)];
                lookup[word] = lookup.TryGetValue(word, out var count) ? count + 1 : 1;
                rest = rest[word.Length..];
            }
        }

        if (counts.Count == 0) throw new InputException("tokenizer: the text to train on is empty");
        var words = counts.OrderBy(w => w.Key, StringComparer.Ordinal).Select(w => (w.Key, w.Value)).ToList();
        return new WordTable(words, Cover(words, options.CharacterCoverage));
    }

    private static List<string> Cover(List<(string Text, long Count)> words, double coverage)
    {
        var counts = new Dictionary<Rune, long>();
        foreach (var (text, count) in words)
        {
            foreach (var rune in text.EnumerateRunes())
            {
                // A NUL cannot stand in a piece.
                if (rune.Value != 0) counts[rune] = counts.GetValueOrDefault(rune) + count;
            }
        }

        var total = (double)counts.Values.Sum();
        var covered = 0L;
        var characters = new List<string>();
        foreach (var (rune, count) in counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key.Value))
        {
            if (covered / total >= coverage) break;
            covered += count;
            characters.Add(rune.ToString());
        }

        return characters;
    }
}
