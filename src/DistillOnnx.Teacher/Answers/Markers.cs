using System.Buffers;
using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Where a text names its answer: by a sentence, a heading, a tag, a box, or four hash marks.</summary>
internal static partial class Markers
{
    // What words a marker may begin with before the word that makes it one.
    private const int LongestLead = 64;

    // A marker has one of these; they are found much faster than the pattern.
    private static readonly SearchValues<string> Words = SearchValues.Create(
        ["answer", "label", "categor", "classification", "choice", "verdict", "prediction", "####", "boxed"],
        StringComparison.OrdinalIgnoreCase);

    /// <summary>The first marker from a place on; null where there is none.</summary>
    public static Match? First(string text, int from = 0)
    {
        var word = text.AsSpan(from).IndexOfAny(Words);
        if (word < 0) return null;
        return Marker().Match(text, Math.Max(from, from + word - LongestLead)) is { Success: true } marker ? marker : null;
    }

    /// <summary>All markers, in order.</summary>
    public static List<Match> All(string text)
    {
        var all = new List<Match>();
        for (var next = First(text); next is not null; next = First(text, next.Index + next.Length)) all.Add(next);
        return all;
    }

    /// <summary>The last marker; null where there is none.</summary>
    public static Match? Last(string text)
    {
        Match? last = null;
        for (var next = First(text); next is not null; next = First(text, next.Index + next.Length)) last = next;
        return last;
    }

    [GeneratedRegex(
        @"<(?<name>answer|label|final_answer)>\s*(?<tag>.*?)\s*</\k<name>>"
        + @"|(?:(?:so|thus|therefore|hence|in conclusion)\s*,?\s+)?"
        + @"[*_]*\b(?:the|my)\s+(?:(?:correct|final|right|best)\s+)?(?:answer|label|category|classification|choice)\s+"
        + @"(?:is|would be|should be|must be)\b\s*[:：]?\s*(?:[*_`$\s]*\\boxed\{(?<boxed>(?:[^{}]|\{[^{}]*\})*)\})?"
        + @"|^[ \t>#*_\-]*(?:final\s+|my\s+|correct\s+|predicted\s+)?"
        + @"(?:answer|label|classification|category|choice|verdict|prediction)[*_`]*\s*(?:[:：]|=(?!=)|[*_]*\s*\n)"
        + @"|\b(?:final\s+answer|answer|label)[*_`]*\s*[:：]"
        + @"|^####\s+"
        + @"|(?:\$\s*)?\\boxed\{(?<boxed>(?:[^{}]|\{[^{}]*\})*)\}",
        RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Marker();
}
