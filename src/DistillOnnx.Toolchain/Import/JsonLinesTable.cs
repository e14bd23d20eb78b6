using System.Text.Json;
using System.Text.Unicode;
using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Reads JSON Lines as a table. A key within an object becomes a column <c>outer.inner</c>.</summary>
internal static class JsonLinesTable
{
    /// <summary>Reads a file's rows.</summary>
    /// <param name="file">The file.</param>
    public static IEnumerable<TableRow> Read(string file)
    {
        foreach (var line in JsonLines.ReadUnchecked(file)) yield return Row(file, line);
    }

    private static TableRow Row(string file, JsonLine line)
    {
        if (!Utf8.IsValid(line.Utf8.Span)) return TableRow.Faulty(file, line.Row, "expected UTF-8 text, found bytes that are not");
        try
        {
            return new TableRow(file, line.Row, Parse(line.Utf8));
        }
        catch (InputException e)
        {
            return TableRow.Faulty(file, line.Row, e.Message);
        }
    }

    private static Dictionary<string, object?> Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 64, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InputException($"expected a JSON object, found {JsonLine.Describe(document.RootElement.ValueKind)}");
            var values = new Dictionary<string, object?>(StringComparer.Ordinal);
            Add(values, "", document.RootElement);
            return values;
        }
        catch (JsonException e)
        {
            throw new InputException($"expected a JSON object, found {JsonLine.Describe(utf8.Span, e)}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"expected Unicode text, found an escape sequence that is none", e);
        }
    }

    private static void Add(Dictionary<string, object?> values, string prefix, JsonElement parent)
    {
        foreach (var property in parent.EnumerateObject())
        {
            var name = prefix + property.Name;
            switch (property.Value.ValueKind)
            {
                case JsonValueKind.Object: Add(values, name + ".", property.Value); break;
                case JsonValueKind.Array: values[name] = property.Value.EnumerateArray().Select(Text).ToList(); break;
                default: values[name] = Text(property.Value); break;
            }
        }
    }

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null => null,
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => value.GetRawText(),
    };
}
