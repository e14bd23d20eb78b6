using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>
/// What takes the force from an answer's words: a marker that is quoted, supposed, or put in another's mouth, and words that take the
/// answer back.
/// </summary>
internal static partial class Doubts
{
    private const int LongestSentence = 400;

    /// <summary>The markers of a text by which it gives an answer of its own.</summary>
    /// <param name="text">The text.</param>
    /// <param name="markers">All its markers, in order.</param>
    public static List<Match> Meant(string text, IReadOnlyList<Match> markers)
    {
        if (markers.Count == 0) return [];
        var whole = text.AsSpan().Trim().Length;
        var quotes = Quotation().Matches(text).Where(q => q.Length < whole).ToList();
        return [.. markers.Where(m => !quotes.Any(q => q.Index < m.Index && m.Index < q.Index + q.Length) && !IsSupposed(text, m))];
    }

    /// <summary>Whether words after an answer take it back.</summary>
    public static bool Retract(string after) => Retraction().IsMatch(after);

    /// <summary>Whether words between two answers say that the second one replaces the first.</summary>
    public static bool Revise(string between) => Revision().IsMatch(between);

    /// <summary>What follows an answer, up to where its reasons are announced.</summary>
    public static string BeforeReasons(string after) =>
        Reasons().Match(after) is { Success: true } reasons ? after[..reasons.Index] : after;

    private static bool IsSupposed(string text, Match marker)
    {
        if (Concluding().IsMatch(marker.Value)) return false;
        var from = Math.Max(0, marker.Index - LongestSentence);
        var before = text[from..marker.Index];
        var sentence = before[(SentenceEnd().Matches(before) is [.., var end] ? end.Index + end.Length : 0)..];
        if (Supposition().IsMatch(sentence) || (Saying().IsMatch(sentence) && !OwnSaying().IsMatch(sentence))) return true;
        var rest = text.AsSpan(marker.Index + marker.Length);
        rest = rest[..Math.Min(rest.Length, LongestSentence)];
        return marker.Value.Contains("would be", StringComparison.OrdinalIgnoreCase) && Condition().IsMatch(rest);
    }

    // An apostrophe or a sign of inches opens none.
    [GeneratedRegex(
        @"(?<!\w)""[^""\n]{1,400}""|“[^”\n]{1,400}”|«[^»\n]{1,400}»|„[^“”\n]{1,400}[“”]"
        + @"|(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w)){1,400}'(?!\w)")]
    private static partial Regex Quotation();

    [GeneratedRegex(@"[.!?;]['""”’)*_]*\s+|\n")]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"^[*_]*(?:so|thus|therefore|hence|in conclusion)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Concluding();

    [GeneratedRegex(
        @"^\W*(?:(?:but|however|and|or|only|now|then)\b\W*)*(?:if|unless|were|had|suppose|supposing|assuming|imagine)\b"
        + @"|(?:\b(?:false|untrue|wrong|incorrect|unlikely|doubtful|deny|denies)|(?<!\bno\s)\bdoubts?"
        + @"|(?:\bnot|n['’]t)(?:\s+\w+){0,3})\s+that\W{0,4}$",
        RegexOptions.IgnoreCase)]
    private static partial Regex Supposition();

    // Whose words end where the marker begins.
    [GeneratedRegex(
        @"\b(?:say|says|said|saying|state|states|stated|read|reads|claim|claims|claimed|write|writes|wrote|think|thinks|thought"
        + @"|believe|believes|believed|argue|argues|argued|assume|assumes|assumed|suppose|guess|mean|pretend|pretends)"
        + @"(?:\s+that)?\W{0,4}$",
        RegexOptions.IgnoreCase)]
    private static partial Regex Saying();

    [GeneratedRegex(
        @"^\W*(?:(?:so|thus|therefore|hence|overall|and|but)\b\W*)*"
        + @"(?:(?:I|we)(?:['’]d|\s+(?:would|can|will|must|do|therefore|thus|still))?|(?:it|this)\s+is\s+(?:safe|fair|reasonable)\s+to)"
        + @"\s+(?:say|think|believe|argue|assume|guess)(?:\s+that)?\W{0,4}$"
        + @"|\b(?:I|we)(?:['’]d|\s+would)?\s+(?:say|think|believe)(?:\s+that)?\W{0,4}$",
        RegexOptions.IgnoreCase)]
    private static partial Regex OwnSaying();

    [GeneratedRegex(@"^[^.!?;\n]*\b(?:if|unless|were|had)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Condition();

    [GeneratedRegex(
        @"(?:[.!?;:—–]['""”’)*_]*\s*|\n[ \t>*_#-]*)(?:(?:oh|hm+|but|no|ah)\b[ ,.]*)?(?:wait|hold on|actually|correction|on reflection"
        + @"|on second thoughts?|scratch that|upon reflection)\b"
        + @"|\b(?:I|we)\s+(?:retract|take\s+(?:that|it|this)\s+back|stand\s+corrected|made\s+(?:a|an)\s+(?:\w+\s+)?(?:mistake|error)"
        + @"|was\s+(?:wrong|mistaken)|misread)\b"
        + @"|\bmy\s+mistake\b|\b(?:answer|label)\s+should\s+(?:instead\s+)?(?:be|have\s+been)\b",
        RegexOptions.IgnoreCase)]
    private static partial Regex Retraction();

    [GeneratedRegex(
        @"\b(?:wait|hold on|correction|corrected|actually|on reflection|upon reflection|on second thoughts?|revised"
        + @"|final(?:\s+\w+)?\s+(?:answer|label|choice|verdict|classification|decision|category)|final\s+(?:answer|label)|mistake)\b",
        RegexOptions.IgnoreCase)]
    private static partial Regex Revision();

    [GeneratedRegex(
        @"(?:^|\n)[ \t>*_#-]*(?:<(?:rationale|reasoning|explanation|reasons?)>"
        + @"|(?:rationale|reasons?|reasoning|explanation|justification|analysis|why|because)\b)",
        RegexOptions.IgnoreCase)]
    private static partial Regex Reasons();
}
