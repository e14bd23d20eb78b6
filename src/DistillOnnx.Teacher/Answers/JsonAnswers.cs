using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using DistillOnnx.Teacher.Clients;

namespace DistillOnnx.Teacher.Answers;

/// <summary>
/// Finds the answer object within a text: bare, in a code fence, or with words before and after it. Of several the last one counts, as of
/// second thoughts, but none that answers a turn which the model went on with.
/// </summary>
internal static partial class JsonAnswers
{
    private static readonly string[] LabelNames = [
        "label", "answer", "final_answer", "finalanswer", "final answer", "final_label", "predicted_label", "classification", "category",
        "class", "prediction", "choice", "verdict"
    ];
    private static readonly string[] RationaleNames = [
        "rationale", "reasoning", "reasons", "reason", "explanation", "justification", "rationales", "explanations", "steps",
        "reasoning_steps", "chain_of_thought", "analysis", "thought_process", "thoughts", "thought", "evidence"
    ];
    private static readonly string[] ValueNames = ["name", "label", "value", "text"];
    private static readonly JsonReaderOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The last object with a label; null where there is none.</summary>
    public static JsonAnswer? Last(string text)
    {
        if (!text.Contains('{', StringComparison.Ordinal)) return null;
        if (Find(text) is { } found) return found;
        return (Find(Decoded(text)) ?? Find(Quoted(text))) is { } rewritten ? rewritten with { Start = 0 } : null;
    }

    private static JsonAnswer? Find(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(JsonEscapes.Mend(Escape(text)));
        JsonAnswer? last = null;
        const int most = 1000;
        var (tried, end, start) = (0, 0, -1);
        for (var at = 0; tried < most; tried++)
        {
            var next = bytes.AsSpan(at).IndexOf((byte)'{');
            if (next < 0) break;
            start += bytes.AsSpan(at, next + 1).Count((byte)'{');
            at += next;
            var length = Read(bytes.AsSpan(at), out var found);
            if (found is { } answer)
            {
                var between = last is null ? "" : Encoding.UTF8.GetString(bytes, end, at - end);
                if (NextTurns.Between(between)) break;
                // Objects side by side are no second thoughts.
                var beside = last is { } former && !HasWords(between)
                    && (former.IsOneOfSeveral || Markup.Key(former.Label) != Markup.Key(answer.Label));
                last = answer with { Start = start, IsOneOfSeveral = beside };
                end = at + length;
                start += bytes.AsSpan(at + 1, length - 1).Count((byte)'{');
                at = end;
            }
            else
            {
                at++;
            }
        }

        return last is { } read ? read with { Start = IndexOf(text, read.Start) } : null;
    }

    // Where the brace of a number from 0 stands: what is rewritten between braces leaves their number as it is.
    private static int IndexOf(string text, int brace)
    {
        var at = -1;
        for (; brace >= 0 && (at + 1 < text.Length); brace--) at = text.IndexOf('{', at + 1);
        return Math.Max(at, 0);
    }

    private static int Read(ReadOnlySpan<byte> bytes, out JsonAnswer? found)
    {
        found = null;
        var reader = new Utf8JsonReader(bytes, isFinalBlock: true, new JsonReaderState(Lenient));
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out var document)) return 1;
            using (document)
            {
                if (Text(document.RootElement, LabelNames) is { Text.Length: > 0 } label)
                {
                    var reasons = Reasons(document.RootElement);
                    // The answer may be an object of label and reasons within another one.
                    if (reasons is (null, null) && label.From.ValueKind == JsonValueKind.Object) reasons = Reasons(label.From);
                    found = new JsonAnswer(label.Text, reasons.Text, reasons.Unusable, 0, false);
                }
            }

            return (int)reader.BytesConsumed;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return 1;
        }
    }

    private static (string? Text, string? Unusable) Reasons(JsonElement root)
    {
        string? unusable = null;
        foreach (var property in Named(root, RationaleNames))
        {
            if (JsonReasons.Text(property.Value) is { } text) return (text, null);
            unusable ??= $"the answer's \"{property.Name}\" is {JsonReasons.Kind(property.Value)}, expected a text";
        }

        return (null, unusable);
    }

    private static (string Text, JsonElement From)? Text(JsonElement root, string[] names)
    {
        foreach (var property in Named(root, names))
        {
            if (Text(property.Value) is { } text) return (text, property.Value);
        }

        return null;
    }

    private static IEnumerable<JsonProperty> Named(JsonElement root, string[] names) =>
        names.SelectMany(n => root.EnumerateObject().Reverse().Where(p => string.Equals(p.Name, n, StringComparison.OrdinalIgnoreCase)));

    // A value may be wrapped: a list of texts, or an object with the text beside other things.
    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!.Trim(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        JsonValueKind.Array when value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String) =>
            string.Join(", ", value.EnumerateArray().Select(v => v.GetString()!.Trim())),
        JsonValueKind.Object => Text(value, ValueNames)?.Text,
        _ => null,
    };

    // Anything but what divides objects: commas, brackets, code fences.
    private static bool HasWords(string between) => between.Replace("```json", "", StringComparison.OrdinalIgnoreCase)
        .AsSpan()
        .IndexOfAnyExcept(" \t\r\n,;[]`") >= 0;

    // An object that is a string of JSON itself.
    private static string Decoded(string text)
    {
        try
        {
            return text.TrimStart().StartsWith('"') ? JsonSerializer.Deserialize<string>(text) ?? "" : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    // The first object with its keys and texts in double quotes, where it is written as JavaScript or Python write it.
    private static string Quoted(string text)
    {
        var result = new StringBuilder();
        var (at, depth) = (text.IndexOf('{', StringComparison.Ordinal), 0);
        while (at < text.Length)
        {
            if (Token().Match(text, at) is { Success: true } token)
            {
                at += token.Length;
                result.Append(
                    token.Groups["single"].Success ? JsonSerializer.Serialize(
                        token.Groups["single"].Value
                            .Replace("\\'", "'", StringComparison.Ordinal)
                            .Replace("\\n", "\n", StringComparison.Ordinal))
                    : token.Value is "None" or "null" ? "null"
                    : token.Value is "True" or "true" ? "true"
                    : token.Value is "False" or "false" ? "false"
                    : token.Groups["word"].Success ? JsonSerializer.Serialize(token.Value)
                    : token.Value);
                continue;
            }

            result.Append(text[at]);
            depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
            at++;
            if (depth == 0) break;
        }

        return result.ToString();
    }

    [GeneratedRegex(
        @"\G(?:""(?:[^""\\]|\\.)*""|'(?<single>(?:[^'\\]|\\.|'(?!\s*[,:}\]]))*)'|(?<word>[A-Za-z_]\w*))", RegexOptions.Singleline)]
    private static partial Regex Token();

    // Line ends within a string, which some models write, are no JSON.
    private static string Escape(string text)
    {
        var result = new StringBuilder(text.Length);
        var (depth, quoted, escaped) = (0, false, false);
        foreach (var c in text)
        {
            if (quoted && c is '\n' or '\r' or '\t' && quoted) result.Append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
            else result.Append(c);
            if (!quoted) depth += c == '{' ? 1 : c == '}' && depth > 0 ? -1 : 0;
            if (c == '"' && !escaped && depth > 0) quoted = !quoted;
            escaped = c == '\\' && !escaped;
        }

        return result.ToString();
    }
}
