using System.Buffers;
using System.Globalization;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>
/// Finds added tokens in text as Hugging Face's tokenizers library does: from left to right, the longest at each place, without
/// overlap. Whether a match counts as a single word is asked afterwards; one that does not is text.
/// </summary>
internal sealed class AddedTokenMatcher
{
    private readonly SearchValues<char> _firsts;
    private readonly Dictionary<char, int[]> _lengths;
    private readonly Dictionary<string, AddedToken>.AlternateLookup<ReadOnlySpan<char>> _tokens;

    /// <summary>Creates the matcher.</summary>
    /// <param name="tokens">What to look for and the token that it stands for; the texts are distinct and not empty.</param>
    public AddedTokenMatcher(IReadOnlyList<(string Text, AddedToken Token)> tokens)
    {
        _tokens = tokens.ToDictionary(t => t.Text, t => t.Token, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        _lengths = tokens.GroupBy(t => t.Text[0])
            .ToDictionary(g => g.Key, g => g.Select(t => t.Text.Length).Distinct().OrderDescending().ToArray());
        _firsts = SearchValues.Create([.. _lengths.Keys]);
    }

    /// <summary>Finds the next token.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="searched">Where to look from; moved behind the match.</param>
    /// <param name="taken">Where the text that belongs to no token so far begins.</param>
    /// <param name="start">Where the match begins, with the whitespace that it takes.</param>
    /// <param name="end">Where it ends, with the whitespace that it takes.</param>
    /// <returns>The token; null where there is none.</returns>
    public AddedToken? Next(ReadOnlySpan<char> text, ref int searched, int taken, out int start, out int end)
    {
        while (Find(text, ref searched, out start) is { } token)
        {
            end = searched;
            if (token.SingleWord && (EndsInWord(text[..start]) || StartsWithWord(text[end..]))) continue;
            if (token.LeftStrip) start = Math.Max(text[..start].TrimEnd().Length, taken);
            if (token.RightStrip) end = text.Length - text[end..].TrimStart().Length;
            return token;
        }

        start = end = text.Length;
        return null;
    }

    private AddedToken? Find(ReadOnlySpan<char> text, ref int searched, out int start)
    {
        while (searched < text.Length && text[searched..].IndexOfAny(_firsts) is >= 0 and var at)
        {
            start = searched + at;
            foreach (var length in _lengths[text[start]])
            {
                if (length > text.Length - start || !_tokens.TryGetValue(text.Slice(start, length), out var token)) continue;
                searched = start + length;
                return token;
            }

            searched = start + 1;
        }

        start = searched = text.Length;
        return null;
    }

    private static bool EndsInWord(ReadOnlySpan<char> text) =>
        System.Text.Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        System.Text.Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    /// <summary>What a regular expression of Unicode calls a word character.</summary>
    private static bool IsWord(System.Text.Rune rune) =>
        System.Text.Rune.IsLetterOrDigit(rune)
        || System.Text.Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.EnclosingMark or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.LetterNumber;
}
