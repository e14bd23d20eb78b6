using System.Text;
using System.Text.Json;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Finds the answer object within a text: bare, in a code fence, or with words before and after it. The last one counts.</summary>
internal static class JsonAnswers
{
    private static readonly string[] LabelNames = ["label", "answer", "final_answer", "finalanswer", "final answer"];
    private static readonly string[] RationaleNames = ["rationale", "reasoning", "reasons", "reason", "explanation", "justification"];
    private static readonly JsonReaderOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The last object with a label; null where there is none.</summary>
    public static (string? Rationale, string Label)? Last(string text)
    {
        if (!text.Contains('{', StringComparison.Ordinal)) return null;
        var bytes = Encoding.UTF8.GetBytes(Escape(text));
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
                if (Text(document.RootElement, LabelNames) is { Length: > 0 } label)
                    found = (Text(document.RootElement, RationaleNames), label);
            }

            return (int)reader.BytesConsumed;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return 1;
        }
    }

    private static string? Text(JsonElement root, string[] names)
    {
        foreach (var property in root.EnumerateObject())
        {
            if (!names.Contains(property.Name.ToLowerInvariant(), StringComparer.Ordinal)) continue;
            if (property.Value.ValueKind == JsonValueKind.String) return property.Value.GetString()!.Trim();
            if (property.Value.ValueKind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
                return property.Value.GetRawText();
        }

        return null;
    }

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
