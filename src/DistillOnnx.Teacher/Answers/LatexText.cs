using System.Text;
using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>
/// Formulas of LaTeX as plain arithmetic: <c>\frac{1}{2}</c> is 1/2, <c>5 \times 3</c> is 5 * 3. Commands that have no plain form stay,
/// and so does a text without commands. The time is linear in the length of the text.
/// </summary>
internal static partial class LatexText
{
    private static readonly Dictionary<string, string> Signs = new(StringComparer.Ordinal)
    {
        ["times"] = "*",
        ["cdot"] = "*",
        ["div"] = "/",
        ["le"] = "<=",
        ["leq"] = "<=",
        ["ge"] = ">=",
        ["geq"] = ">=",
        ["ne"] = "!=",
        ["neq"] = "!=",
        ["approx"] = "≈",
        ["pm"] = "±",
        ["to"] = "->",
        ["rightarrow"] = "->",
        ["Rightarrow"] = "=>",
        ["implies"] = "=>",
        ["ldots"] = "...",
        ["dots"] = "...",
        ["cdots"] = "...",
        ["quad"] = " ",
        ["qquad"] = " ",
        ["left"] = "",
        ["right"] = "",
    };
    private static readonly string[] Wrappers = ["text", "textbf", "textit", "mathrm", "mathbf", "mathit", "boxed", "emph", "operatorname"];
    private static readonly string[] Fractions = ["frac", "dfrac", "tfrac"];

    private enum Group
    {
        Plain,
        Wrapper,
        Numerator,
        SimpleNumerator,
        Denominator,
        SimpleDenominator,
    }

    /// <summary>The text with its formulas written plainly.</summary>
    public static string Plain(string text)
    {
        if (!Command().IsMatch(text)) return text;
        var plain = new StringBuilder(text.Length);
        var groups = new Stack<Group>();
        var closing = -1;
        for (var i = 0; i < text.Length;)
        {
            switch (text[i])
            {
                case '\\':
                    i = Backslash(text, i, plain, groups);
                    break;
                case '$' when i == closing || (i + 1 < text.Length && text[i + 1] == '$') || (i > 0 && text[i - 1] == '$'):
                    i++;
                    break;
                case '$' when Formula(text, i) is var end and > 0:
                    closing = end;
                    i++;
                    break;
                case '{':
                    groups.Push(Group.Plain);
                    plain.Append(text[i++]);
                    break;
                case '}':
                    i = End(text, i, plain, groups);
                    break;
                default:
                    plain.Append(text[i++]);
                    break;
            }
        }

        return plain.ToString();
    }

    private static int Backslash(string text, int at, StringBuilder plain, Stack<Group> groups)
    {
        var end = at + 1;
        while (end < text.Length && char.IsAsciiLetter(text[end])) end++;
        var name = text[(at + 1)..end];
        if (Signs.TryGetValue(name, out var sign))
        {
            plain.Append(sign);
            return end;
        }

        var brace = end < text.Length && text[end] == ' ' ? end + 1 : end;
        if (name.Length > 0 && brace < text.Length && text[brace] == '{')
        {
            if (Wrappers.Contains(name)) return Begin(brace, plain, groups, Group.Wrapper);
            if (Fractions.Contains(name))
                return Begin(brace, plain, groups, IsSimple(text, brace + 1) ? Group.SimpleNumerator : Group.Numerator);
        }

        if (name.Length > 0)
        {
            plain.Append(text, at, end - at);
            return end;
        }

        switch (end < text.Length ? text[end] : ' ')
        {
            case '(' or ')' or '[' or ']':
                return end + 1;
            case ',' or ';' or '!':
                plain.Append(' ');
                return end + 1;
            case '%' or '$' or '&':
                plain.Append(text[end]);
                return end + 1;
            default:
                plain.Append('\\');
                return at + 1;
        }
    }

    private static int Begin(int brace, StringBuilder plain, Stack<Group> groups, Group group)
    {
        groups.Push(group);
        if (group is Group.Numerator or Group.Denominator) plain.Append('(');
        return brace + 1;
    }

    private static int End(string text, int at, StringBuilder plain, Stack<Group> groups)
    {
        var group = groups.TryPop(out var open) ? open : Group.Plain;
        if (group == Group.Plain) plain.Append('}');
        if (group is Group.Numerator or Group.Denominator) plain.Append(')');
        if (group is not (Group.Numerator or Group.SimpleNumerator)) return at + 1;
        plain.Append('/');
        return at + 1 < text.Length && text[at + 1] == '{'
            ? Begin(at + 1, plain, groups, IsSimple(text, at + 2) ? Group.SimpleDenominator : Group.Denominator)
            : at + 1;
    }

    // A number or a name, which needs no parentheses.
    private static bool IsSimple(string text, int from)
    {
        const int longest = 20;
        for (var i = from; i < Math.Min(text.Length, from + longest); i++)
        {
            if (text[i] == '}') return i > from;
            if (!char.IsLetterOrDigit(text[i]) && text[i] != '.') return false;
        }

        return false;
    }

    // Where a formula in dollar signs ends, in the same line; 0: there is none, and the sign is one of money.
    private static int Formula(string text, int dollar)
    {
        var rest = text.AsSpan(dollar + 1);
        var length = rest.IndexOfAny('$', '\n');
        if (length <= 0 || rest[length] != '$') return 0;
        var within = rest[..length];
        return within.Contains('\\') || (length == 1 && char.IsLetter(within[0])) ? dollar + 1 + length : 0;
    }

    [GeneratedRegex(
        @"\\(?:(?:times|cdot|div|[lgn]eq|approx|[lc]dots|qquad|[rR]ightarrow|implies)(?![A-Za-z])"
        + @"|(?:[dt]?frac|text(?:bf|it)?|math(?:rm|bf|it)|boxed|emph|operatorname) ?\{)|\\\([^\n\\]*\\\)|\\\[[^\n\\]*\\\]")]
    private static partial Regex Command();
}
