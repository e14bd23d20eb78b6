using System.Text.Encodings.Web;
using System.Text.Json;
using DistillOnnx.Core;

namespace DistillOnnx.Data;

/// <summary>
/// One row as JSON: <c>{"id","input","label","rationale","teacher_label","choices"}</c>, what is unknown absent. Other keys
/// are passed over, so rows may carry what other tools need.
/// </summary>
public static class ExampleJson
{
    private static readonly JsonReaderOptions Reading = new() { MaxDepth = 64 };

    /// <summary>The keys that are read.</summary>
    public static IReadOnlyList<string> Keys { get; } = ["id", "input", "label", "rationale", "teacher_label", "choices"];

    /// <summary>How rows are written: letters beyond ASCII stay readable.</summary>
    internal static JsonWriterOptions Writing { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Parses a row. A row without <c>id</c> is named by <paramref name="defaultId"/>.</summary>
    /// <param name="utf8">The row's JSON object.</param>
    /// <param name="where">Names the row in messages, for instance <c>train.jsonl: row 17</c>.</param>
    /// <param name="defaultId">The id of a row that names none.</param>
    /// <exception cref="InputException">The text is not a JSON object, a value has the wrong type, or <c>input</c> is missing.</exception>
    public static Example Parse(ReadOnlySpan<byte> utf8, string where, string defaultId)
    {
        try
        {
            return Parse(new Utf8JsonReader(utf8, Reading), where, defaultId);
        }
        catch (JsonException e)
        {
            throw new InputException($"{where}: expected a JSON object, found {JsonLine.Describe(utf8, e)}", e);
        }
        catch (InvalidOperationException e)
        {
            // The reader says so where an escape sequence stands for half of a surrogate pair.
            throw new InputException($"{where}: expected Unicode text, found an escape sequence that is none", e);
        }
    }

    /// <summary>Writes a row as one JSON object.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="example">The row.</param>
    public static void Write(Utf8JsonWriter writer, Example example)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, example.Id);
        writer.WriteString("input"u8, example.Input);
        if (example.Label is not null) writer.WriteString("label"u8, example.Label);
        if (example.Rationale is not null) writer.WriteString("rationale"u8, example.Rationale);
        if (example.TeacherLabel is not null) writer.WriteString("teacher_label"u8, example.TeacherLabel);
        if (example.Choices is not null)
        {
            writer.WriteStartArray("choices"u8);
            foreach (var choice in example.Choices) writer.WriteStringValue(choice);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static Example Parse(Utf8JsonReader reader, string where, string defaultId)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new InputException($"{where}: expected a JSON object, found {Name(reader.TokenType)}");
        string? id = null, input = null, label = null, rationale = null, teacherLabel = null;
        IReadOnlyList<string>? choices = null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            if (!seen.Add(key)) throw new InputException($"{where}: \"{InputText.Show(key)}\" stands twice");
            reader.Read();
            switch (key)
            {
                case "id": id = Text(ref reader, key, where); break;
                case "input": input = Text(ref reader, key, where); break;
                case "label": label = Text(ref reader, key, where); break;
                case "rationale": rationale = Text(ref reader, key, where); break;
                case "teacher_label": teacherLabel = Text(ref reader, key, where); break;
                case "choices": choices = Texts(ref reader, key, where); break;
                default: reader.Skip(); break;
            }
        }

        // Reads to the end, so that text after the object is found.
        while (reader.Read())
        {
        }

        return new Example
        {
            Id = id ?? defaultId,
            Input = input ?? throw new InputException($"{where}: \"input\" is missing"),
            Label = label,
            Rationale = rationale,
            TeacherLabel = teacherLabel,
            Choices = choices,
        };
    }

    private static string? Text(ref Utf8JsonReader reader, string key, string where) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString(),
        JsonTokenType.Null => null,
        _ => throw new InputException($"{where}: \"{key}\": expected a string, found {Name(reader.TokenType)}"),
    };

    private static List<string>? Texts(ref Utf8JsonReader reader, string key, string where)
    {
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new InputException($"{where}: \"{key}\": expected an array of strings, found {Name(reader.TokenType)}");
        var texts = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw new InputException($"{where}: \"{key}\": expected an array of strings, found {Name(reader.TokenType)} in it");
            texts.Add(reader.GetString()!);
        }

        return texts;
    }

    private static string Name(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => JsonLine.Describe(JsonValueKind.Object),
        JsonTokenType.StartArray => JsonLine.Describe(JsonValueKind.Array),
        JsonTokenType.String => JsonLine.Describe(JsonValueKind.String),
        JsonTokenType.Number => JsonLine.Describe(JsonValueKind.Number),
        JsonTokenType.True or JsonTokenType.False => JsonLine.Describe(JsonValueKind.True),
        _ => JsonLine.Describe(JsonValueKind.Null),
    };
}
