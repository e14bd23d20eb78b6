using System.Globalization;
using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>Rows to label, read one line at a time: <c>{"input", "id"?, "choices"?}</c>; a dataset's rows fit as they are.</summary>
internal static class InputRows
{
    /// <summary>Reads rows. One without an id is named by its line number.</summary>
    /// <param name="stream">JSON Lines; left open.</param>
    /// <param name="name">Names the stream in messages.</param>
    /// <param name="shard">The part of the rows to give.</param>
    /// <exception cref="InputException">A line is no row; the message names it.</exception>
    public static IEnumerable<(string Id, PredictorInput Input)> Read(Stream stream, string name, RowShard shard)
    {
        var row = 0L;
        foreach (var line in JsonLines.Read(stream, name))
        {
            if (shard.Contains(row++)) yield return Parse(line, $"{name}: row {line.Row}");
        }
    }

    private static (string Id, PredictorInput Input) Parse(JsonLine line, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(line.Utf8, new JsonDocumentOptions { MaxDepth = 64, AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw new InputException($"{where}: expected a JSON object, found {JsonLine.Describe(root.ValueKind)}");
            var input = Text(root, "input", where)
                ?? Text(root, "text", where)
                ?? throw new InputException($"{where}: \"input\" is missing");
            var id = Text(root, "id", where) ?? line.Row.ToString(CultureInfo.InvariantCulture);
            return (id, new PredictorInput(input, Choices(root, where)));
        }
        catch (JsonException e)
        {
            throw new InputException($"{where}: expected a JSON object, found {JsonLine.Describe(line.Utf8.Span, e)}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{where}: expected Unicode text, found an escape sequence that is none", e);
        }
    }

    private static string? Text(JsonElement root, string key, string where)
    {
        if (!root.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        if (key == "id" && value.ValueKind == JsonValueKind.Number) return value.GetRawText();
        throw new InputException($"{where}: \"{key}\": expected a string, found {JsonLine.Describe(value.ValueKind)}");
    }

    private static string[]? Choices(JsonElement root, string where)
    {
        if (!root.TryGetProperty("choices", out var list) || list.ValueKind == JsonValueKind.Null) return null;
        if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(c => c.ValueKind != JsonValueKind.String))
            throw new InputException($"{where}: \"choices\": expected an array of strings");
        return [.. list.EnumerateArray().Select(c => c.GetString()!)];
    }
}
