using System.Text;
using System.Text.Json;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Reasons that an object gives as a text, as a list of steps, or as an object with texts.</summary>
internal static class JsonReasons
{
    private const char FirstOfEastAsia = '\u2E80';

    /// <summary>The reasons in one text.</summary>
    /// <param name="value">The value in the place of the reasons.</param>
    /// <returns>Null where it has no text.</returns>
    public static string? Text(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String) return value.GetString()!.Trim() is { Length: > 0 } text ? text : null;
        var parts = new List<string>();
        Collect(value, parts);
        return parts.Count == 0 ? null : Joined(parts);
    }

    /// <summary>What a value without text is, for a message.</summary>
    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "empty",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        JsonValueKind.Null => "null",
        JsonValueKind.Array => "a list without text",
        _ => "an object without text",
    };

    // Numbers among texts count steps or say how sure the model is.
    private static void Collect(JsonElement value, List<string> parts)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                if (MarkdownText.Plain(value.GetString()!).Trim() is { Length: > 0 } text) parts.Add(text);
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray()) Collect(item, parts);
                break;
            case JsonValueKind.Object:
                foreach (var property in value.EnumerateObject()) Collect(property.Value, parts);
                break;
        }
    }

    // A step that is a sentence of its own ends as one; a step that goes on where the last one stopped is joined to it.
    private static string Joined(List<string> parts)
    {
        var text = new StringBuilder(parts[0]);
        foreach (var part in parts.Skip(1))
        {
            if (char.IsLetterOrDigit(text[^1]) && char.IsUpper(part[0])) text.Append('.');
            else if (text[^1] >= FirstOfEastAsia && char.IsLetter(text[^1])) text.Append('。');
            text.Append(part.Contains('\n', StringComparison.Ordinal) ? '\n' : ' ').Append(part);
        }

        return text.ToString();
    }
}
