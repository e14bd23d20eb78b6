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
            return (Turn(bare.Groups["final"].Value), Join([bare.Groups["thoughts"].Value]));
        if (Announced().Match(text) is { Success: true } announced)
            return (Turn(announced.Groups["final"].Value), Join([announced.Groups["thoughts"].Value]));

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
            end = EndOf(rest);
            thoughts.Add(end.Success ? rest[..end.Index] : rest);
            if (!end.Success) break;
            rest = rest[(end.Index + end.Length)..];
        }

        return (Turn(string.Concat(answer)), Join(thoughts));
    }

    // Of nested thoughts the outer end; where one is missing, the first.
    private static Match EndOf(string rest)
    {
        var first = EndTag().Match(rest);
        var (at, depth) = (0, 1);
        for (var end = first; end.Success; end = end.NextMatch())
        {
            depth += StartTag().Count(rest.AsSpan(at, end.Index - at)) - 1;
            if (depth == 0) return end;
            at = end.Index + end.Length;
        }

        return first;
    }

    // The model's own turn, without the tokens of its chat template.
    private static string Turn(string answer)
    {
        answer = TurnStart().Replace(answer, "").TrimStart();
        if (TurnEnd().Match(answer) is { Success: true } end) answer = answer[..end.Index];
        return Role().Replace(ResponseTag().Replace(answer, "").Trim(), "");
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

        return (Turn(answer), Join(thoughts));
    }

    private static string? Join(IEnumerable<string> parts) =>
        string.Join("\n\n", parts.Select(p => p.Trim()).Where(p => p.Length > 0)) is { Length: > 0 } text ? text : null;

    /// <summary>The names of tags around thoughts, for a pattern.</summary>
    public const string Names = "think|thinking|thought|thoughts|reasoning|seed:think|reflection|analysis|scratchpad";

    [GeneratedRegex(
        $@"<(?:{Names})(?:\s[^<>]*)?>|<\|channel>(?:thought|analysis)?|\[THINK\]|◁think▷|<\|START_THINKING\|>|<unused94>(?:thought)?"
        + @"|<\|begin_of_thought\|>|\A\s*Thinking\.\.\.\s*\n",
        RegexOptions.IgnoreCase)]
    private static partial Regex StartTag();

    [GeneratedRegex(
        $@"</(?:{Names})>|<channel\|>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<unused95>"
        + @"|<\|end_of_thought\|>|^\.\.\.done thinking\.\s*$",
        RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex EndTag();

    private const string Start = @"<\|start_header_id\|>\w*<\|end_header_id\|>|<\|im_start\|>\w*|<start_of_turn>\w*|<\|turn>\w*"
        + @"|<\|assistant\|>|<｜Assistant｜>|<\|CHATBOT_TOKEN\|>|\[/INST\]";

    [GeneratedRegex($@"\A(?:\s*(?:{Start}|<\|begin_of_text\|>|<bos>|<s>))+", RegexOptions.IgnoreCase)]
    private static partial Regex TurnStart();

    // The next turn's start ends this one, where a server leaves out the end's own token.
    [GeneratedRegex(
        @"<\|im_end\|>|<\|eot_id\|>|<\|eom_id\|>|<\|eot\|>|<end_of_turn>|</s>|<\|endoftext\|>|<\|end_of_text\|>|<eos>|<turn\|>"
        + $@"|<\|(?:end|return|user|observation)\|>|<\|END_OF_TURN_TOKEN\|>|<｜end▁of▁sentence｜>|<｜User｜>|\[INST\]|{Start}",
        RegexOptions.IgnoreCase)]
    private static partial Regex TurnEnd();

    [GeneratedRegex(@"^(?:assistant|model)\s*:\s*", RegexOptions.IgnoreCase)]
    private static partial Regex Role();

    [GeneratedRegex(@"<\|(?:START|END)_RESPONSE\|>|<\|(?:begin|end)_of_solution\|>|</?(?:response|final|output)>", RegexOptions.IgnoreCase)]
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
