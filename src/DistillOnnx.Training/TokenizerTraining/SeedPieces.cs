using System.Text;
using DistillOnnx.Core.Tokenization.Models;

namespace DistillOnnx.Training.TokenizerTraining;

/// <summary>The pieces that training starts from: every character, and the substrings of words that cover the most text.</summary>
internal static class SeedPieces
{
    /// <summary>Seeds for each piece wanted: enough to choose from, few enough to be quick.</summary>
    private const int PerPiece = 20;

    private const int Least = 20_000;

    /// <summary>Finds the seeds with their first scores.</summary>
    /// <param name="words">The text's words.</param>
    /// <param name="options">Longest piece, digits.</param>
    /// <param name="target">Pieces wanted in the end.</param>
    public static List<Piece> Find(WordTable words, UnigramTrainerOptions options, int target)
    {
        var covered = words.Characters.ToHashSet(StringComparer.Ordinal);
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        var lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        var starts = new List<int>();
        foreach (var (word, count) in words.Words)
        {
            Boundaries(word, starts);
            for (var from = 0; from < starts.Count - 1; from++)
            {
                var script = Script.None;
                for (var to = from; to < Math.Min(starts.Count - 1, from + options.MaxPieceLength); to++)
                {
                    var character = word.AsSpan(starts[to], starts[to + 1] - starts[to]);
                    if (!covered.GetAlternateLookup<ReadOnlySpan<char>>().Contains(character)) break;
                    if (!Joins(ref script, character) || (to > from && options.SplitDigits && script == Script.Digit)) break;
                    var piece = word.AsSpan(starts[from], starts[to + 1] - starts[from]);
                    lookup[piece] = lookup.TryGetValue(piece, out var known) ? known + count : count;
                }
            }
        }

        var seeds = counts
            .Where(c => covered.Contains(c.Key) || c.Value >= 2)
            .Select(c => (Text: c.Key, Weight: (double)c.Value * Length(c.Key), Required: covered.Contains(c.Key)))
            .OrderByDescending(c => c.Required).ThenByDescending(c => c.Weight).ThenBy(c => c.Text, StringComparer.Ordinal)
            .Take(Math.Max(Least, target * PerPiece))
            .ToList();
        var total = Math.Log(seeds.Sum(s => s.Weight));
        return [.. seeds.Select(s => new Piece(s.Text, (float)(Math.Log(s.Weight) - total), PieceType.Normal))];
    }

    private static void Boundaries(string word, List<int> starts)
    {
        starts.Clear();
        for (var i = 0; i < word.Length; i++)
        {
            if (!char.IsLowSurrogate(word[i])) starts.Add(i);
        }

        starts.Add(word.Length);
    }

    private static int Length(string piece) => piece.Length - piece.Count(char.IsLowSurrogate);

    /// <summary>A piece holds letters, digits or other signs, and not two of them; the space mark goes with any.</summary>
    private static bool Joins(ref Script script, ReadOnlySpan<char> character)
    {
        if (character is [SentencePieceModel.Space]) return script == Script.None;
        Rune.DecodeFromUtf16(character, out var rune, out _);
        if (IsMark(rune)) return true;
        var found = Rune.IsLetter(rune) ? Script.Letter : Rune.IsDigit(rune) ? Script.Digit : Script.Other;
        if (script == Script.None) script = found;
        return script == found;
    }

    private static bool IsMark(Rune rune) => Rune.GetUnicodeCategory(rune) is
        System.Globalization.UnicodeCategory.NonSpacingMark
        or System.Globalization.UnicodeCategory.SpacingCombiningMark
        or System.Globalization.UnicodeCategory.EnclosingMark;

    private enum Script
    {
        None,
        Letter,
        Digit,
        Other,
    }
}
