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

    /// <summary>A rationale without bold marks, headings and the word that announces it.</summary>
    public static string? Rationale(string text)
    {
        text = Bold().Replace(text, m => m.Groups["text"].Value);
        text = Heading().Replace(text, "");
        text = Announcement().Replace(text.Trim(), "").Trim();
        text = text.TrimEnd(" \t\r\n*_#`".ToCharArray()).TrimStart(" \t\r\n#`".ToCharArray());
        return text.Length > 0 ? text : null;
    }

    [GeneratedRegex(@"\\boxed\s*\{(?<text>(?:[^{}]|\{[^{}]*\})*)\}")]
    private static partial Regex Boxed();

    [GeneratedRegex(@"^\\(?:text|textbf|mathrm|mathbf)\s*\{(?<text>[^{}]*)\}")]
    private static partial Regex LatexText();

    [GeneratedRegex(@"(?<!\w)\*\*(?=\S)(?<text>.+?)(?<=\S)\*\*(?!\w)")]
    private static partial Regex Bold();

    [GeneratedRegex(@"^\s*#{1,6}\s+", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^(?:[-*•]\s+)?(?:rationale|reason|reasons|reasoning|explanation|justification)\s*[:：]\s*", RegexOptions.IgnoreCase)]
    private static partial Regex Announcement();
}
