using System.Text.RegularExpressions;

namespace DistillOnnx.Cli.Tests;

/// <summary>The command lines of <c>distill</c> that a page shows in its shell blocks, or a script in its comments.</summary>
internal static partial class ShellExamples
{
    /// <summary>The command lines of a text, each in one line, with the shell's variables of that text filled in.</summary>
    public static IEnumerable<string> Of(string text)
    {
        var joined = Continuation().Replace(text, " ");
        var variables = Variable().Matches(joined).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value, StringComparer.Ordinal);
        foreach (Match match in Command().Matches(joined))
        {
            var line = variables.Aggregate(match.Groups[1].Value, (l, v) => l.Replace("$" + v.Key, v.Value, StringComparison.Ordinal));
            yield return Comment().Replace(line, "").Trim();
        }
    }

    /// <summary>A line's words, as a shell separates them.</summary>
    public static string[] Words(string line) => [.. Word().Matches(line).Select(m => m.Value.Trim('\'', '"'))];

    [GeneratedRegex(@" *\\\n#? *")]
    private static partial Regex Continuation();

    [GeneratedRegex("^([a-z]+)=\"([^\"]*)\"$", RegexOptions.Multiline)]
    private static partial Regex Variable();

    [GeneratedRegex(@"^(?:.*\| |# +)?((?:scripts/)?distill [a-z]+ .*)$", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(" +# .*$| >.*$")]
    private static partial Regex Comment();

    [GeneratedRegex("'[^']*'|\"[^\"]*\"|\\S+")]
    private static partial Regex Word();
}
