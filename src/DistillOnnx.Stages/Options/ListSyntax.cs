using System.Text;

namespace DistillOnnx.Stages.Options;

/// <summary>
/// How several values are written in one text, the same everywhere: separated by commas. <c>\,</c> is a comma that belongs to a
/// value; an item of a JSON array is one value, regardless of its content. A list of secrets may also be separated by semicolons and
/// line ends, and a line that begins with <c>#</c> is a comment.
/// </summary>
internal static class ListSyntax
{
    /// <summary>The values of a text.</summary>
    public static IEnumerable<string> Split(string text) => Split(text, ",");

    /// <summary>The secrets of a text.</summary>
    public static IEnumerable<string> SplitSecrets(string text) => text
        .Split(['\r', '\n'])
        .Where(line => !line.TrimStart().StartsWith('#'))
        .SelectMany(line => Split(line, ",;"));

    /// <summary>Values as one text that <see cref="Split(string)"/> takes apart again.</summary>
    public static string Join(IEnumerable<string> values) =>
        string.Join(',', values.Select(v => v.Replace(",", "\\,", StringComparison.Ordinal)));

    private static IEnumerable<string> Split(string text, string separators)
    {
        var value = new StringBuilder();
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || separators.Contains(text[i], StringComparison.Ordinal))
            {
                if (value.ToString().Trim() is { Length: > 0 } found) yield return found;
                value.Clear();
                continue;
            }

            if (text[i] == '\\' && i + 1 < text.Length && separators.Contains(text[i + 1], StringComparison.Ordinal)) i++;
            value.Append(text[i]);
        }
    }
}
