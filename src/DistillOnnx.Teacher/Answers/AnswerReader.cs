using System.Text.Json;
using System.Text.RegularExpressions;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Completions;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Answers;

/// <summary>
/// Reads rationale and label out of an answer. Completions keep the paper's strict form. Chat answers are read as chat models
/// write them; a label within the thoughts never counts, and what is negated or ambiguous is not guessed.
/// </summary>
/// <param name="task">What is asked.</param>
/// <param name="options">How it is asked.</param>
/// <param name="answerForm">The user's own form of an answer; null: the forms that are common.</param>
internal sealed partial class AnswerReader(TaskSpec task, AnnotateOptions options, string? answerForm)
{
    // How much longer than the label the end of a sentence that names it may be: articles, quotes, the label once more.
    private const int LongestDress = 20;
    // How many markers from the end are compared.
    private const int MostMarkers = 32;
    private readonly CompletionParser _strict = CompletionParser.For(task);
    private readonly LabelMatcher? _labels = task.Kind == TaskKind.Labels ? new LabelMatcher(task.Labels!, lettered: false) : null;
    private readonly Regex? _form = answerForm is null ? null : Form(answerForm);

    /// <summary>The form that answers are to have; null: free text.</summary>
    public ChatResponseFormat? Format(Example example)
    {
        if (options.Structured != true) return null;
        var set = task.Kind == TaskKind.Labels ? task.Labels : task.Kind == TaskKind.Choices ? example.Choices : null;
        var label = set is null ? "{\"type\":\"string\"}" : $"{{\"type\":\"string\",\"enum\":{JsonSerializer.Serialize(set)}}}";
        using var schema = JsonDocument.Parse(
            $"{{\"type\":\"object\",\"properties\":{{\"rationale\":{{\"type\":\"string\"}},\"label\":{label}}},"
            + "\"required\":[\"rationale\",\"label\"],\"additionalProperties\":false}");
        return ChatResponseFormat.ForJsonSchema(schema.RootElement.Clone(), "annotation");
    }

    /// <summary>Reads an answer.</summary>
    /// <param name="example">The row that was asked.</param>
    /// <param name="response">The answer.</param>
    public TeacherAnswer Read(Example example, ChatResponse response)
    {
        var cut = response.FinishReason == ChatFinishReason.Length;
        if (options.Style == PromptStyle.Completion)
        {
            var parsed = _strict.Parse(response.Text);
            return new TeacherAnswer(
                parsed.Rationale, parsed.Label, parsed.Label is not null ? AnswerFault.None : cut ? AnswerFault.Cut : Fault(parsed.Fault));
        }

        var (text, thoughts) = ThoughtSplitter.Split(Markup.Plain(response.Text));
        var apart = string.Concat(response.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>().Select(c => c.Text)).Trim();
        if (apart.Length > 0) thoughts = thoughts is null ? apart : $"{apart}\n\n{thoughts}";
        var read = text.Length == 0 ? new TeacherAnswer(null, null, AnswerFault.Empty) : Read(example, text);
        // A label that the limit cuts may be the beginning of another.
        if (cut && (read.Label is null || char.IsLetterOrDigit(text[^1]))) read = new TeacherAnswer(null, null, AnswerFault.Cut);
        if (options.RationaleFrom == RationaleSource.Thoughts)
            read = With(example, read with { Rationale = null }, thoughts, apart: true);
        else if (read is { Label: not null, Rationale: null, Contradicts: false }
            && Tagged().Match(response.Text) is { Success: true } tagged)
            read = With(example, read, tagged.Groups["text"].Value, apart: true);
        return read with { Thoughts = thoughts };
    }

    private TeacherAnswer Read(Example example, string text)
    {
        if (OwnForm(text) is { Success: true } match)
        {
            var given = match.Groups["label"].Success ? match.Groups["label"].Value : match.Groups["choice"].Value;
            return Label(example, given, Markup.Rationale(match.Groups["rationale"].Value));
        }

        if (JsonAnswers.Last(text) is { } json) return Read(example, text, json);
        // Of an object that is broken or cut, single lines would be taken for the answer.
        if (OpenObject().IsMatch(text)) return new TeacherAnswer(null, null, AnswerFault.NoAnswer);
        text = NextTurns.CutOff(text);
        var markers = Markers.All(text);
        if (Doubts.Meant(text, markers) is not { Count: > 0 } meant) return Unmarked(example, text, lastAlone: markers.Count > 0);
        return NameSeveral(example, text, meant)
            ? new TeacherAnswer(null, null, AnswerFault.Ambiguous)
            : Marked(example, text, meant[^1]);
    }

    private Match? OwnForm(string text)
    {
        try
        {
            return _form?.Match(text);
        }
        catch (RegexMatchTimeoutException)
        {
            // The answer is in the journal: as a fault of the run it would end every later run as well.
            return null;
        }
    }

    // Whether markers name different answers, and no words between them say that the last one replaces the others.
    private bool NameSeveral(Example example, string text, List<Match> markers)
    {
        string? last = null;
        for (var i = markers.Count - 1; i >= Math.Max(0, markers.Count - MostMarkers); i--)
        {
            // In open tasks what follows a marker may be any words; a box holds the answer alone.
            if (task.Kind == TaskKind.Text && !markers[i].Groups["boxed"].Success) continue;
            var until = i + 1 < markers.Count ? text[..markers[i + 1].Index] : text;
            if (Label(example, Given(until, markers[i]).Given, null).Label is not { } named) continue;
            if (last is null)
            {
                last = named;
                continue;
            }

            if (Accuracy.IsCorrect(task.Metric, named, last)) continue;
            var from = markers[i].Index + markers[i].Length;
            return !Doubts.Revise(text[from..(markers[^1].Index + markers[^1].Length)]);
        }

        return false;
    }

    private TeacherAnswer Read(Example example, string text, JsonAnswer json)
    {
        if (json.IsOneOfSeveral) return new TeacherAnswer(null, null, AnswerFault.Ambiguous);
        var answer = Label(example, json.Label, null) with { Unusable = json.Unusable };
        if (answer.Label is { } label && IsTakenBack(example, NextTurns.Before(text[(text.LastIndexOf('}') + 1)..]), label))
            return new TeacherAnswer(null, null, AnswerFault.Ambiguous);
        if (json.Rationale is { } rationale) return With(example, answer, ThoughtSplitter.Split(rationale).Answer, apart: true);
        // An object of the label alone may end reasons in free text.
        return json.Unusable is null && Introduction().Replace(text[..json.Start], "").Trim() is { Length: > 0 } before
            ? With(example, answer, before, apart: true)
            : answer;
    }

    private TeacherAnswer Marked(Example example, string text, Match marker)
    {
        var (given, after, rest) = Given(text, marker);
        var answer = Label(example, given, null);
        if (answer.Label is { } label)
        {
            var apart = marker.Groups["tag"].Success || marker.Groups["boxed"].Success;
            var asks = task.Kind != TaskKind.Text && given.TrimEnd(" *_`\"".ToCharArray()).EndsWith('?') && Markup.Bare(rest).Length > 0;
            if (asks || Doubts.Retract(after) || IsTakenBack(example, apart ? after : rest, label))
                return new TeacherAnswer(null, null, AnswerFault.Ambiguous);
        }

        var reasons = text[..marker.Index];
        if (Markup.Rationale(reasons) is null) reasons = marker.Groups["tag"].Success || marker.Groups["boxed"].Success ? after : rest;
        return With(example, answer, reasons, apart: false);
    }

    // Whether what follows an answer takes it back, or names another label where it does not give reasons.
    private bool IsTakenBack(Example example, string after, string label)
    {
        if (Doubts.Retract($"\n{after.TrimStart()}")) return true;
        if (Matcher(example) is not { } matcher) return false;
        var lines = after.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return (lines.Length > 0 && matcher.Exact(lines[^1]) is { } last && last != label)
            || matcher.NamesOther(Doubts.BeforeReasons(after), label);
    }

    // What a marker gives as the answer, all that follows the marker, and the lines that follow the answer.
    private static (string Given, string After, string Lines) Given(string text, Match marker)
    {
        var after = text[(marker.Index + marker.Length)..];
        var lines = after.TrimStart(" \t\r\n*_:：`#".ToCharArray());
        var end = lines.IndexOf('\n', StringComparison.Ordinal);
        var given = end < 0 ? lines : lines[..end];
        if (marker.Groups["boxed"].Success) given = marker.Groups["boxed"].Value;
        if (marker.Groups["tag"].Success) given = marker.Groups["tag"].Value;
        return (given, after, end < 0 ? "" : lines[end..]);
    }

    // Reasons often end in a sentence of their own that names the label. Reasons that came apart from the label may name another.
    private TeacherAnswer With(Example example, TeacherAnswer answer, string? reasons, bool apart)
    {
        if (reasons is null) return answer;
        reasons = (apart ? Markup.Plain(reasons) : reasons).Trim();
        if (answer.Label is { } label && Markers.Last(reasons) is { } marker)
        {
            var (given, _, rest) = Given(reasons, marker);
            if (Label(example, given, null).Label is { } named)
            {
                var same = Accuracy.IsCorrect(task.Metric, named, label);
                // What a free text names there may be anything.
                if (!same && apart && (task.Kind != TaskKind.Text || task.Metric == TaskMetric.Equation))
                    return answer with { Rationale = null, Contradicts = true };
                if (same && Markup.Bare(rest).Length == 0 && given.Length <= 2 * label.Length + LongestDress)
                    reasons = reasons[..marker.Index];
            }
        }

        return answer with { Rationale = Markup.Rationale(reasons) };
    }

    // A label alone on the last line, or on the first one with the reasons after it.
    private TeacherAnswer Unmarked(Example example, string text, bool lastAlone)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (Matcher(example) is not { } matcher) return new TeacherAnswer(null, null, AnswerFault.NoAnswer);
        var last = lastAlone ? matcher.Exact(lines[^1]) : Alone(matcher, lines[^1]);
        // Of an answer whose markers do not count, the first line is no better.
        var first = lastAlone ? null : Alone(matcher, lines[0]);
        if (first is not null && last is not null && first != last) return new TeacherAnswer(null, null, AnswerFault.Ambiguous);
        if (last is not null) return new TeacherAnswer(Markup.Rationale(string.Join('\n', lines[..^1])), last);
        if (first is null) return new TeacherAnswer(null, null, AnswerFault.NoAnswer);
        // A first line may open a list of all labels, or a thought that ends elsewhere.
        var rest = string.Join('\n', lines[1..]);
        var denied = Denial().IsMatch(rest) && !first.StartsWith("no", StringComparison.OrdinalIgnoreCase);
        return denied || Doubts.Retract($"\n{rest}") || matcher.NamesOther(rest, first)
            ? new TeacherAnswer(null, null, AnswerFault.Ambiguous)
            : new TeacherAnswer(Markup.Rationale(rest), first);
    }

    private static string? Alone(LabelMatcher matcher, string line) => matcher.Exact(line)
        ?? (line.Length <= 200 && !Step().IsMatch(line) && matcher.Find(line) is { Label: { } label, Mapped: false } ? label : null);

    private LabelMatcher? Matcher(Example example) =>
        _labels ?? (task.Kind == TaskKind.Choices && example.Choices is { } choices ? new LabelMatcher(choices, lettered: true) : null);

    private TeacherAnswer Label(Example example, string given, string? rationale)
    {
        if (Markup.Bare(given).Length == 0 && Matcher(example)?.Exact(given) is null)
            return new TeacherAnswer(rationale, null, AnswerFault.NoAnswer);
        if (Matcher(example) is { } matcher)
        {
            var (label, fault, mapped) = matcher.Find(given);
            return new TeacherAnswer(rationale, label, fault, null, mapped);
        }

        if (task.Metric != TaskMetric.Equation)
            return new TeacherAnswer(rationale, Markup.Bare(Quantity().Match(given) is { Success: true } number ? number.Value : given));
        var equation = EquationText.Read(given);
        return equation is null ? new TeacherAnswer(rationale, null, AnswerFault.NoEquation) : new TeacherAnswer(rationale, equation);
    }

    private static AnswerFault Fault(CompletionFault fault) => fault switch
    {
        CompletionFault.Empty => AnswerFault.Empty,
        CompletionFault.NoEquation => AnswerFault.NoEquation,
        CompletionFault.NoChoice or CompletionFault.UnknownLabel => AnswerFault.UnknownLabel,
        _ => AnswerFault.NoAnswer,
    };

    private static Regex Form(string answer)
    {
        var pattern = Regex.Replace(Regex.Escape(answer.Trim()), @"(?:\\ |\\n|\\r|\\t)+", @"\s+")
            .Replace(@"\{rationale}", "(?<rationale>.*)", StringComparison.Ordinal)
            .Replace(@"\{label}", @"(?<label>[^\n]+?)", StringComparison.Ordinal)
            .Replace(@"\{choice}", @"(?<choice>[^\n]+?)", StringComparison.Ordinal);
        pattern = $@"^\s*{pattern}\s*$";
        const RegexOptions options = RegexOptions.Singleline | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant;
        try
        {
            return new Regex(pattern, options | RegexOptions.NonBacktracking);
        }
        catch (NotSupportedException)
        {
            // Some thousand characters are more than an automaton may have; backtracking may take time without end on a long answer.
            return new Regex(pattern, options, TimeSpan.FromSeconds(1));
        }
    }

    [GeneratedRegex(
        @"<(?<name>rationale|reasoning|explanation)>(?<text>.*?)</\k<name>>", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Tagged();

    [GeneratedRegex(@"^\s*(?:```\w*\s*)?\{\s*(?:[""']|\w+\s*:)")]
    private static partial Regex OpenObject();

    // A step of a numbered list, which is no answer by its number; or a label that is asked about.
    [GeneratedRegex(@"^\W*\d+[.)]\W*\s\W*\w|^[^.!,;:]{1,60}\?")]
    private static partial Regex Step();

    [GeneratedRegex(@"^\W*(?:(?:not|never|hardly)\b|no\s*(?:[,.:;!]|\z))", RegexOptions.IgnoreCase)]
    private static partial Regex Denial();

    // A number with its unit, where another sentence follows.
    [GeneratedRegex(@"^[\s*_`$]*[$€£¥+−-]?\d(?:[\d.,]*\d)?(?:\s?[%°\p{L}/]+){0,3}(?=[*_`$]*[.!][*_`$]*\s)")]
    private static partial Regex Quantity();

    // The last line before an object, where it only says that one follows.
    [GeneratedRegex(
        @"(?:(?<=\n)|^)[^\n]{0,150}(?::|\b(?:here(?:'s|’s| is| are| you go)|below|json)\b[^\n]{0,100})[ \t*`]*\s*$|```\w*\s*$",
        RegexOptions.IgnoreCase)]
    private static partial Regex Introduction();
}
