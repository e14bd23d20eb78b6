using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Where a model that nothing stops goes on with a question of its own, and the answer to that.</summary>
internal static partial class NextTurns
{
    /// <summary>An answer in free text without the turns that follow it.</summary>
    public static string CutOff(string text)
    {
        if (!Turn().IsMatch(text) || Markers.First(text) is not { } first) return text;
        var answered = first.Index + first.Length;
        foreach (Match turn in Turn().Matches(text, answered))
        {
            if (!string.IsNullOrWhiteSpace(text[answered..turn.Index])
                && (turn.Groups["speaker"].Success || Markers.First(text, turn.Index + turn.Length) is not null))
            {
                return text[..turn.Index];
            }
        }

        return text;
    }

    /// <summary>What follows an answer, without the turns after that.</summary>
    public static string Before(string text) => Turn().Match($"\n{text}") is { Success: true } turn ? $"\n{text}"[..turn.Index] : text;

    /// <summary>Whether a text between two answers begins a turn, which the second one answers.</summary>
    public static bool Between(string text) => Turn().IsMatch($"\n{text}");

    [GeneratedRegex(
        @"\n[ \t>#*_]*(?:(?<speaker>user|human|assistant)|question|q|text|input|prompt|context|premise|passage|problem|example|row)"
        + @"(?:[ \t]+#?\d+)?[*_]*\s*[:：]",
        RegexOptions.IgnoreCase)]
    private static partial Regex Turn();
}
