using System.Text.RegularExpressions;

namespace DistillOnnx.Teacher.Answers;

/// <summary>
/// Sets a reasoning model's thoughts apart from its answer: tags such as <c>&lt;think&gt;</c>, an end tag alone (the chat template
/// wrote the start tag into the prompt), a start tag alone (the answer was cut), and the channels of the harmony format.
/// </summary>
internal static partial class ThoughtSplitter
{
    /// <summary>Splits an answer.</summary>
    /// <param name="text">The raw answer.</param>
    /// <returns>The answer without its thoughts, and the thoughts; null where there are none.</returns>
    public static (string Answer, string? Thoughts) Split(string text)
    {
        if (text.Contains("<|channel|>", StringComparison.Ordinal)) return Channels(text);
        if (BareChannels().Match(text) is { Success: true } bare)
            return (bare.Groups["final"].Value.Trim(), Join([bare.Groups["thoughts"].Value]));
        if (Announced().Match(text) is { Success: true } announced)
            return (announced.Groups["final"].Value.Trim(), Join([announced.Groups["thoughts"].Value]));

        var thoughts = new List<string>();
        var answer = new List<string>();
        for (var rest = text; ;)
        {
            var start = StartTag().Match(rest);
            var end = EndTag().Match(rest);
            if (end.Success && (!start.Success || end.Index < start.Index))
            {
                // All before an end tag alone is thoughts.
                thoughts.Add(string.Concat(answer) + rest[..end.Index]);
                answer.Clear();
                rest = rest[(end.Index + end.Length)..];
                continue;
            }

            if (!start.Success)
            {
                answer.Add(rest);
                break;
            }

            answer.Add(rest[..start.Index]);
            rest = rest[(start.Index + start.Length)..];
            end = EndTag().Match(rest);
            thoughts.Add(end.Success ? rest[..end.Index] : rest);
            if (!end.Success) break;
            rest = rest[(end.Index + end.Length)..];
        }

        return (ResponseTag().Replace(string.Concat(answer), "").Trim(), Join(thoughts));
    }

    private static (string Answer, string? Thoughts) Channels(string text)
    {
        var thoughts = new List<string>();
        var answer = "";
        foreach (Match channel in Channel().Matches(text))
        {
            if (channel.Groups["name"].Value == "final") answer = channel.Groups["text"].Value;
            else thoughts.Add(channel.Groups["text"].Value);
        }

        return (answer.Trim(), Join(thoughts));
    }

    private static string? Join(IEnumerable<string> parts) =>
        string.Join("\n\n", parts.Select(p => p.Trim()).Where(p => p.Length > 0)) is { Length: > 0 } text ? text : null;

    private const string Names = "think|thinking|thought|thoughts|reasoning|seed:think|reflection|analysis";

    [GeneratedRegex($@"<(?:{Names})>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<unused94>(?:thought)?", RegexOptions.IgnoreCase)]
    private static partial Regex StartTag();

    [GeneratedRegex($@"</(?:{Names})>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<unused95>", RegexOptions.IgnoreCase)]
    private static partial Regex EndTag();

    [GeneratedRegex(
        @"<\|(?:START|END)_RESPONSE\|>|<\|im_end\|>|<\|eot_id\|>|<end_of_turn>|</s>\s*$|</?(?:response|final)>", RegexOptions.IgnoreCase)]
    private static partial Regex ResponseTag();

    [GeneratedRegex(
        @"<\|channel\|>\s*(?<name>\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>(?<text>.*?)(?=<\|(?:end|return|start|channel|call)\|>|$)",
        RegexOptions.Singleline)]
    private static partial Regex Channel();

    // The harmony format where a server left out its special tokens.
    [GeneratedRegex(@"^\s*analysis(?<thoughts>.*)assistantfinal(?<final>.*)$", RegexOptions.Singleline)]
    private static partial Regex BareChannels();

    [GeneratedRegex(
        @"^\s*Here(?: i|')s my thought process:?(?<thoughts>.*)Here(?: i|')s my response:?(?<final>.*)$",
        RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex Announced();
}
