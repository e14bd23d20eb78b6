using System.Text;
using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Takes Markdown, LaTeX, quotes and punctuation off the texts of an answer.</summary>
internal static partial class Markup
{
    /// <summary>A label's text without what is only its dress.</summary>
    public static string Bare(string text)
    {
        text = Boxed().Replace(text, m => m.Groups["text"].Value);
        while (true)
        {
            var before = text;
            text = LatexText().Replace(text.Trim(), m => m.Groups["text"].Value);
            if (text.StartsWith("\\(", StringComparison.Ordinal) || text.StartsWith("\\[", StringComparison.Ordinal)) text = text[2..];
            if (text.EndsWith("\\)", StringComparison.Ordinal) || text.EndsWith("\\]", StringComparison.Ordinal)) text = text[..^2];
            text = text.Trim(" \t\r\n*_`\"'“”‘’«»„:：$#>".ToCharArray()).TrimEnd(".。!?,;".ToCharArray()).TrimEnd();
            if (text is ['[', .., ']'] or ['<', .., '>']) text = text[1..^1];
            if (text == before) return text;
        }
    }

    /// <summary>A label as it is compared: small letters and digits, all else one space; symbols stay where there is
    /// nothing else.</summary>
    public static string Key(string text)
    {
        var key = new StringBuilder();
        foreach (var c in text.ToLowerInvariant())
        {
            if (char.IsLetterOrDigit(c)
                || char.IsSurrogate(c)
                || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.NonSpacingMark)
                key.Append(c);
            else if (c is not ('*' or '`') && key.Length > 0 && key[^1] != ' ') key.Append(' ');
        }

        return key.ToString().TrimEnd() is { Length: > 0 } letters ? letters : text.Trim();
    }

    /// <summary>A text without what no reader sees: control characters, marks of direction, HTML tags, lines of code fences.</summary>
    public static string Plain(string text)
    {
        text = Terminal().Replace(text, "").ReplaceLineEndings("\n");
        text = Fence().Replace(Hidden().Replace(text, ""), "");
        return HtmlTag().Replace(LineTag().Replace(text, "\n"), "");
    }

    /// <summary>A rationale without markup, headings that are left over, and the word that announces it.</summary>
    public static string? Rationale(string text)
    {
        text = Wrapper().Replace(Plain(text), "");
        text = Bold().Replace(text, m => m.Groups["text"].Value);
        text = Code().Replace(text, m => m.Groups["text"].Value);
        text = Heading().Replace(text, "");
        text = BlankLines().Replace(LoneHeading().Replace(text, ""), "\n\n");
        text = Announcement().Replace(text.Trim(), "").Trim();
        text = text.TrimEnd(" \t\r\n*_#`".ToCharArray()).TrimStart(" \t\r\n#`".ToCharArray());
        text = Leftover().Replace(text, "");
        return text.Length > 0 ? text : null;
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
        @"^[ \t>*_-]*(?:final[ \t]+)?(?:conclusion|reasoning|analysis|rationale|explanation|justification|summary|answer|label"
        + @"|verdict|decision|classification)[ \t*_]*[:：]?[ \t*_]*(?:\n|\z)",
        RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex LoneHeading();

    // What stood before the label's marker and points at it.
    [GeneratedRegex(
        @"(?:(?:^|(?<!\s)\s+)(?:[$~|>=→⇒➡✅✔☑✓\uFE0F•–—-]|\\\[|\\\(|\uD83D[\uDC49\uDCCC\uDCA1]|\uD83C[\uDFF7\uDFAF])+)+$")]
    private static partial Regex Leftover();

    [GeneratedRegex(@"\\boxed\s*\{(?<text>(?:[^{}]|\{[^{}]*\})*)\}")]
    private static partial Regex Boxed();

    [GeneratedRegex(@"^\\(?:text|textbf|mathrm|mathbf)\s*\{(?<text>[^{}]*)\}")]
    private static partial Regex LatexText();

    [GeneratedRegex(@"(?<!\w)\*\*(?=\S)(?<text>.+?)(?<=\S)\*\*(?!\w)")]
    private static partial Regex Bold();

    [GeneratedRegex(@"(?<!`)`(?<text>[^`\n]+)`(?!`)")]
    private static partial Regex Code();

    [GeneratedRegex(@"^\s*#{1,6}\s+", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^(?:[-*•]\s+)?(?:rationale|reason|reasons|reasoning|explanation|justification)\s*[:：]\s*", RegexOptions.IgnoreCase)]
    private static partial Regex Announcement();
}
