using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>
/// Markdown as a person reads it: the marks of headings, quotes, lists, tables and rules are taken off line by line, those within a line by
/// <see cref="InlineMarkdown"/>; all words stay. The time is linear in the length of the text.
/// </summary>
internal static partial class MarkdownText
{
    private const string Bullets = "-*+•◦‣▪●○–—";

    /// <summary>The text without marks.</summary>
    public static string Plain(string text)
    {
        var lines = text.Split('\n');
        var plain = new List<string>(lines.Length);
        for (var i = 0; i < lines.Length; i++)
        {
            if (i + 1 < lines.Length && lines[i].Contains('|', StringComparison.Ordinal) && Columns().IsMatch(lines[i + 1]))
            {
                plain.Add(Cells(lines[i]));
                for (i += 2; i < lines.Length && lines[i].Contains('|', StringComparison.Ordinal); i++) plain.Add(Cells(lines[i]));
                i--;
            }
            else if (!Rule().IsMatch(lines[i]))
            {
                plain.Add(InlineMarkdown.Plain(Line(lines[i])));
            }
        }

        return string.Join('\n', plain);
    }

    // A row of a table: what the first cell names, and the others.
    private static string Cells(string line)
    {
        var cells = Bars().Split(line).Select(c => InlineMarkdown.Plain(c.Trim())).Where(c => c.Length > 0).ToList();
        return cells.Count < 2 ? string.Concat(cells) : $"{cells[0]}: {string.Join(", ", cells.Skip(1))}";
    }

    private static string Line(string line)
    {
        var text = line.AsSpan().TrimStart();
        if (text.Length == 0 || !(text[0] is '>' or '#' || Bullets.Contains(text[0], StringComparison.Ordinal))) return line;
        while (true)
        {
            if (text is ['>', ' ' or '>', ..] && !StartsWithDigit(text[1..])) text = text[1..].TrimStart();
            else if (text.IndexOfAnyExcept('#') is >= 1 and <= 6 and var marks && char.IsWhiteSpace(text[marks]))
                return Heading(text[marks..]).ToString();
            else if (Item(text) is { Length: > 0 } item) text = item;
            else return text.ToString();
        }
    }

    private static ReadOnlySpan<char> Heading(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        var closing = text.TrimEnd('#');
        return closing.Length == 0 || char.IsWhiteSpace(closing[^1]) ? closing.TrimEnd() : text;
    }

    // The text after a bullet; empty: there is none. A sign before a number, as in a sum written line by line, is no bullet, unless the
    // line has words.
    private static ReadOnlySpan<char> Item(ReadOnlySpan<char> text)
    {
        if (text.Length < 2 || !Bullets.Contains(text[0], StringComparison.Ordinal) || !char.IsWhiteSpace(text[1])) return [];
        var item = text[1..].TrimStart();
        if (text[0] is '*' or '-' or '+' && StartsWithDigit(item) && (text[0] == '+' || !HasLetter(item))) return [];
        return item is ['[', ' ' or 'x' or 'X', ']', ' ', ..] ? item[4..] : item;
    }

    private static bool StartsWithDigit(ReadOnlySpan<char> text) => text.TrimStart() is [var first, ..] && char.IsDigit(first);

    private static bool HasLetter(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (char.IsLetter(c)) return true;
        }

        return false;
    }

    // The line under a table's heads.
    [GeneratedRegex(
        @"^(?>[ \t]*)(?:\|(?>[ \t]*))?:?-+:?(?>[ \t]*)(?:\|(?>[ \t]*):?-+:?(?>[ \t]*))+\|?[ \t]*$"
        + @"|^(?>[ \t]*)\|[ \t]*:?-+:?[ \t]*\|[ \t]*$")]
    private static partial Regex Columns();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex Bars();

    // A line across the page, or under a heading.
    [GeneratedRegex(@"^(?>[ \t]*)(?:(?:-(?>[ \t]*)){3,}|(?:\*(?>[ \t]*)){3,}|(?:_(?>[ \t]*)){3,}|={3,}[ \t]*)$")]
    private static partial Regex Rule();
}
