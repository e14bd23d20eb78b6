using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using DistillOnnx.Teacher.Clients;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Finds the answer object within a text: bare, in a code fence, or with words before and after it. The last one counts.</summary>
internal static partial class JsonAnswers
{
    private static readonly string[] LabelNames = [
        "label", "answer", "final_answer", "finalanswer", "final answer", "classification", "category"
    ];
    private static readonly string[] RationaleNames = ["rationale", "reasoning", "reasons", "reason", "explanation", "justification"];
    private static readonly string[] ValueNames = ["name", "label", "value", "text"];
    private static readonly JsonReaderOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The last object with a label; null where there is none.</summary>
    public static (string? Rationale, string Label)? Last(string text)
    {
        if (!text.Contains('{', StringComparison.Ordinal)) return null;
        return Find(text) ?? Find(Decoded(text)) ?? Find(Quoted(text));
    }

    private static (string? Rationale, string Label)? Find(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(JsonEscapes.Mend(Escape(text)));
        (string? Rationale, string Label)? last = null;
        const int most = 1000;
        var tried = 0;
        for (var at = 0; tried < most; tried++)
        {
            var next = bytes.AsSpan(at).IndexOf((byte)'{');
            if (next < 0) break;
            at += next;
            var length = Read(bytes.AsSpan(at), out var found);
            if (found is not null) last = found;
            at += found is not null ? length : 1;
        }

        return last;
    }

    private static int Read(ReadOnlySpan<byte> bytes, out (string? Rationale, string Label)? found)
    {
        found = null;
        var reader = new Utf8JsonReader(bytes, isFinalBlock: true, new JsonReaderState(Lenient));
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out var document)) return 1;
            using (document)
            {
                if (Text(document.RootElement, LabelNames, ", ") is { Length: > 0 } label)
                    found = (Text(document.RootElement, RationaleNames, " "), label);
            }

            return (int)reader.BytesConsumed;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return 1;
        }
    }

    private static string? Text(JsonElement root, string[] names, string separator)
    {
        foreach (var name in names)
        {
            foreach (var property in root.EnumerateObject().Reverse())
            {
                if (string.Equals(property.Name, name, StringComparison.OrdinalIgnoreCase) && Text(property.Value, separator) is { } text)
                    return text;
            }
        }

        return null;
    }

    // A value may be wrapped: a list of texts, or an object with the text beside other things.
    private static string? Text(JsonElement value, string separator) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!.Trim(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        JsonValueKind.Array when value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String) =>
            string.Join(separator, value.EnumerateArray().Select(v => v.GetString()!.Trim())),
        JsonValueKind.Object => Text(value, ValueNames, separator),
        _ => null,
    };

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
