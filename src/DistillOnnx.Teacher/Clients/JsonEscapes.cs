using System.Text;
using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// Mends escapes of half a character, which endpoints write where a token ends within one (as in emoji) and which no reader of
/// JSON takes.
/// </summary>
internal static partial class JsonEscapes
{
    /// <summary>The text of a body with U+FFFD in place of halves.</summary>
    public static string Mend(ReadOnlySpan<byte> body) => Mend(Encoding.UTF8.GetString(body).TrimStart('\uFEFF'));

    /// <summary>JSON with U+FFFD in place of halves.</summary>
    public static string Mend(string json) =>
        json.Contains("\\u", StringComparison.Ordinal) ? Escape().Replace(json, m => m.Groups["half"].Success ? "\\ufffd" : m.Value) : json;

    // Pairs and all other escapes are matched as well, so that a half is never looked for within them.
    [GeneratedRegex(
        @"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
        RegexOptions.Singleline)]
    private static partial Regex Escape();
}
