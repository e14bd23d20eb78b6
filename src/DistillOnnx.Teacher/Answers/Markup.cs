using System.Text;
using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Takes Markdown, LaTeX, quotes and punctuation off the texts of an answer.</summary>
internal static partial class Markup
{
    private const string Marks = "*_#`";
    private const string Dress = " \t\r\n*_`\"'“”‘’«»„:：";
    private const string Ends = ".。!?,;";
    private const string Symbols = "+-#<>=%€£@&";
    private const string Comparisons = "<>=";

    /// <summary>A label's text without what is only its dress.</summary>
    public static string Bare(string text)
    {
        for (var bare = LatexText.Plain(text).AsSpan(); ;)
        {
            var before = bare.Length;
            bare = bare.Trim();
            if (bare is ['\\', '(' or '[', ..]) bare = bare[2..];
            if (bare is [.., '\\', ')' or ']']) bare = bare[..^2];
            bare = bare.Trim(Dress).TrimEnd(Ends).TrimEnd();
            if (bare is ['[', .., ']'] or ['<', .., '>'] or ['$', .., '$']) bare = bare[1..^1];
            // Marks of headings and quotes; those that stand at the word, as in #1 and >50K, are its own.
            if (bare is ['#' or '>', ..] && bare.TrimStart("#>") is var marked && (marked.Length == 0 || char.IsWhiteSpace(marked[0])))
                bare = marked;
            if (bare.Length == before) return bare.ToString();
        }
    }

    /// <summary>A text without the marks that end a sentence, and quotes.</summary>
    public static string Quoted(string text) => text.Trim().TrimEnd(Ends.ToCharArray()).Trim("\"'“”‘’«»„ ".ToCharArray());

    /// <summary>
    /// A label as it is compared: small letters, digits, and numbers with their sign and point; all else is one space. Symbols stay where
    /// there is nothing else, or where they are asked for: those at a word, as in A+, C# and &lt;=50K.
    /// </summary>
    /// <param name="text">The label, or a text that names one.</param>
    /// <param name="symbols">Whether symbols at words count.</param>
    public static string Key(string text, bool symbols = false)
    {
        var key = new StringBuilder();
        text = text.ToLowerInvariant().Replace('−', '-');
        if (symbols) text = text.Replace("≤", "<=", StringComparison.Ordinal).Replace("≥", ">=", StringComparison.Ordinal);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var (before, after) = (i > 0 ? text[i - 1] : ' ', i + 1 < text.Length ? text[i + 1] : ' ');
            var sign = c == '-' && char.IsDigit(after) && !char.IsLetterOrDigit(before);
            if (char.IsLetterOrDigit(c)
                || char.IsSurrogate(c)
                || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.NonSpacingMark
                || (c == '.' && char.IsDigit(before) && char.IsDigit(after))
                || (symbols && Symbols.Contains(c, StringComparison.Ordinal) && IsOfWord(text, i)))
            {
                key.Append(c);
            }
            else if (sign)
            {
                key.Append(key.Length > 0 && key[^1] != ' ' ? " -" : "-");
            }
            else if (c is not ('*' or '`')
                && key.Length > 0
                && key[^1] != ' '
                && !(symbols && char.IsWhiteSpace(c) && Comparisons.Contains(key[^1], StringComparison.Ordinal)))
            {
                key.Append(' ');
            }
        }

        return key.ToString().TrimEnd() is { Length: > 0 } letters ? letters : text.Trim();
    }

    // A symbol between two words divides them; one that compares may have a space before its number.
    private static bool IsOfWord(string text, int at)
    {
        var (before, after) = (at > 0 ? text[at - 1] : ' ', at + 1 < text.Length ? text[at + 1] : ' ');
        return char.IsLetterOrDigit(before) != char.IsLetterOrDigit(after)
            || Symbols.Contains(before, StringComparison.Ordinal)
            || Symbols.Contains(after, StringComparison.Ordinal)
            || (Comparisons.Contains(text[at], StringComparison.Ordinal)
                && !char.IsLetterOrDigit(before)
                && text.AsSpan(at + 1).TrimStart() is [var first, ..]
                && char.IsDigit(first));
    }

    /// <summary>A text without what no reader sees: control characters, marks of direction, HTML tags, lines of code fences.</summary>
    public static string Plain(string text)
    {
        if (text.Contains('\x1B', StringComparison.Ordinal)) text = Terminal().Replace(text, "");
        text = Hidden().Replace(text.ReplaceLineEndings("\n"), "");
        if (text.Contains("```", StringComparison.Ordinal)) text = Fence().Replace(text, "");
        return text.Contains('<', StringComparison.Ordinal) ? HtmlTag().Replace(LineTag().Replace(text, "\n"), "") : text;
    }

    /// <summary>
    /// A rationale as a student is to write it: plain text in its own words and lines, without markup, headings that are left over, and the
    /// word that announces it. Null where nothing is left.
    /// </summary>
    /// <param name="text">The reasons, without what no reader sees (<see cref="Plain"/>).</param>
    public static string? Rationale(string text)
    {
        if (text.Contains('<', StringComparison.Ordinal)) text = Wrapper().Replace(text, "");
        text = MarkdownText.Plain(LatexText.Plain(text));
        text = BlankLines().Replace(LoneHeading().Replace(text, ""), "\n\n");
        text = Announcement().Replace(text.Trim(), "");
        text = LeadIn().Replace(WithoutPointers(WithoutOpenMarks(text)), "").TrimEnd();
        return text.Length > 0 ? text : null;
    }

    // Marks whose other half was cut off with the answer.
    private static string WithoutOpenMarks(string text)
    {
        for (var rest = text.AsSpan().Trim(); ; rest = rest.Trim())
        {
            var end = rest.TrimEnd(Marks);
            if (end.Length < rest.Length && (end.Length == 0 || char.IsWhiteSpace(end[^1]) || end[^1] is '.' or '!' or '?' or ':'))
            {
                rest = end;
                continue;
            }

            var start = rest.TrimStart(Marks);
            if (start.Length == rest.Length || !char.IsWhiteSpace(start[0])) return rest.ToString();
            rest = start;
        }
    }

    // What stood before the label's marker and points at it, from the end word by word.
    private static string WithoutPointers(string text)
    {
        for (var rest = text.AsSpan().Trim(); ;)
        {
            var start = rest.LastIndexOfAny(" \t\r\n") + 1;
            if (start == rest.Length || !Pointer().IsMatch(rest[start..])) return rest.ToString();
            rest = rest[..start].TrimEnd();
        }
    }

    [GeneratedRegex(@"\x1B\[[0-?]*[ -/]*[@-~]")]
    private static partial Regex Terminal();

    [GeneratedRegex(@"[\u0000-\u0008\u000B-\u001F\u007F\u200B\u202A-\u202E\u2066-\u2069\uFEFF]")]
    private static partial Regex Hidden();

    [GeneratedRegex(@"^[ \t]*```[\w+-]*[ \t]*(?:\n|\z)", RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"<br\s*/?>|</(?:p|div|li|h[1-6]|tr|ul|ol|table|blockquote)>", RegexOptions.IgnoreCase)]
    private static partial Regex LineTag();

    [GeneratedRegex(
        @"</?(?:p|div|li|h[1-6]|tr|ul|ol|table|blockquote|b|i|u|em|strong|span|code|pre|hr|sup|sub|small|mark|font|center"
        + @"|thead|tbody|td|th|html|body|details|summary)(?:\s[^<>]*)?/?>",
        RegexOptions.IgnoreCase)]
    private static partial Regex HtmlTag();

    [GeneratedRegex(
        $@"</?(?:{ThoughtSplitter.Names}|rationale|explanation|answer|label|final_answer|output|response|final)(?:\s[^<>]*)?>",
        RegexOptions.IgnoreCase)]
    private static partial Regex Wrapper();

    [GeneratedRegex(@"\n(?:[ \t]*\n){2,}")]
    private static partial Regex BlankLines();

    [GeneratedRegex(
        @"^[ \t>*_-]*(?:final[ \t]+)?(?:conclusion|reasoning|reasons?|analysis|rationale|explanation|justification|summary|answer|label"
        + @"|verdict|decision|classification)[ \t*_]*[:：]?[ \t*_]*(?:\n|\z)",
        RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex LoneHeading();

    [GeneratedRegex(
        @"^(?:[$~|>=→⇒➡✅✔☑✓\uFE0F•–—-]|\\\[|\\\(|\uD83D[\uDC49\uDCCC\uDCA1]|\uD83C[\uDFF7\uDFAF])+$")]
    private static partial Regex Pointer();

    // The beginning of a sentence that only leads to the label, which is cut off.
    [GeneratedRegex(
        @"(?<=^|[.!?:;]['""”’)]{0,3}\s{1,4}|\n)(?:(?:and|but|hence|so|thus|therefore|then|best|overall|finally|ultimately|accordingly"
        + @"|consequently|in the end|all in all|in conclusion|to conclude|in summary|in short|as a result|for this reason|primary"
        + @"|predicted|most likely|the|my|our|correct|right|final|(?:I|we) (?:would |will |can |therefore )?(?:say|think|believe"
        + @"|conclude|choose)(?: that)?)\b[ \t,:*_]*)+\z",
        RegexOptions.IgnoreCase)]
    private static partial Regex LeadIn();

    [GeneratedRegex(@"^(?:[-*•]\s+)?(?:rationale|reason|reasons|reasoning|explanation|justification)\s*[:：]\s*", RegexOptions.IgnoreCase)]
    private static partial Regex Announcement();
}
