using System.Globalization;
using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Data;
using DistillOnnx.Stages.Options;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>Rows to label, read one line at a time: <c>{"input", "id"?, "choices"?}</c>; a dataset's rows fit as they are.</summary>
internal static class InputRows
{
    private const string OtherInput = "text";
    private const int NamedKeys = 20;
    private static readonly string[] Keys = [.. ExampleJson.Keys, OtherInput];

    /// <summary>Reads rows. One without an id is named by its line number.</summary>
    /// <param name="stream">JSON Lines; left open.</param>
    /// <param name="name">Names the stream in messages.</param>
    /// <param name="shard">The part of the rows to give.</param>
    /// <param name="reporter">Receives a warning for each unknown key, once.</param>
    /// <exception cref="InputException">A line is no row, or has the id of an earlier one; the message names it.</exception>
    public static IEnumerable<(string Id, PredictorInput Input)> Read(Stream stream, string name, RowShard shard, IReporter reporter)
    {
        using var ids = new IdSet();
        var unknown = new HashSet<string>(StringComparer.Ordinal);
        var row = 0L;
        foreach (var line in JsonLines.Read(stream, name))
        {
            if (!shard.Contains(row++)) continue;
            var where = $"{name}: row {line.Row}";
            var (parsed, keys) = Parse(line, where);
            if (ids.Fault(parsed.Id, line.Row) is { } repeated) throw new InputException($"{where}: {repeated}");
            foreach (var key in keys) Warn(key, where, unknown, reporter);
            yield return parsed;
        }
    }

    // Rows of which each has keys of its own would warn without end.
    private static void Warn(string key, string where, HashSet<string> unknown, IReporter reporter)
    {
        if (unknown.Count > NamedKeys || !unknown.Add(key)) return;
        reporter.Warn(unknown.Count > NamedKeys
            ? $"{where}: more unknown keys; they are passed over, too, and not named"
            : $"{where}: unknown key \"{InputText.Show(key)}\" is passed over{NearestName.Suggest(key, Keys)}");
    }

    private static ((string Id, PredictorInput Input) Row, List<string> UnknownKeys) Parse(JsonLine line, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(line.Utf8, new JsonDocumentOptions { MaxDepth = 64, AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw new InputException($"{where}: expected a JSON object, found {JsonLine.Describe(root.ValueKind)}");
            var (named, other) = (Text(root, "input", where), Text(root, OtherInput, where));
            if (named is not null && other is not null)
                throw new InputException($"{where}: has both \"input\" and \"{OtherInput}\"; expected one of them");
            var input = named
                ?? other
                ?? throw new InputException($"{where}: \"input\" is missing");
            var id = Text(root, "id", where) ?? line.Row.ToString(CultureInfo.InvariantCulture);
            List<string> unknown = [.. root.EnumerateObject().Select(p => p.Name).Where(n => !Keys.Contains(n, StringComparer.Ordinal))];
            return ((id, new PredictorInput(input, Choices(root, where))), unknown);
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
