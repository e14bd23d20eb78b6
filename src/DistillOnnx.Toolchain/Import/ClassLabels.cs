using System.Text.Json;
using DistillOnnx.Core;

namespace DistillOnnx.Toolchain.Import;

/// <summary>
/// Label names that Hugging Face's datasets library puts into a file's own metadata: the key <c>huggingface</c> of Parquet, and
/// for JSON Lines a <c>dataset_info.json</c> in the same directory. An integer in such a column is a position; −1 is no label.
/// </summary>
internal static class ClassLabels
{
    private const string InfoFile = "dataset_info.json";

    /// <summary>Column to label names; empty where the file has none.</summary>
    /// <param name="file">The file.</param>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Of(string file)
    {
        if (Path.GetExtension(file).Equals(".parquet", StringComparison.OrdinalIgnoreCase))
            return Metadata(file).TryGetValue("huggingface", out var json)
                ? Parse(json, $"{file}: metadata \"huggingface\"", "info")
                : new Dictionary<string, IReadOnlyList<string>>();
        var info = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, InfoFile);
        return File.Exists(info) ? Parse(File.ReadAllText(info), info, null) : new Dictionary<string, IReadOnlyList<string>>();
    }

    private static Dictionary<string, string> Metadata(string file) => ParquetTable.Try(
        file,
        () => ParquetTable.Open(file, reader => Task.FromResult(new Dictionary<string, string>(reader.CustomMetadata))));

    private static Dictionary<string, IReadOnlyList<string>> Parse(string json, string where, string? inner)
    {
        var result = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (inner is not null && (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(inner, out root))) return result;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("features", out var features)) Add(result, "", features);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException(
                $"{where}: expected the features of a data set as JSON, found a fault: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        return result;
    }

    private static void Add(Dictionary<string, IReadOnlyList<string>> result, string prefix, JsonElement features)
    {
        if (features.ValueKind != JsonValueKind.Object) return;
        foreach (var feature in features.EnumerateObject().Where(f => f.Value.ValueKind == JsonValueKind.Object))
        {
            if (feature.Value.TryGetProperty("_type", out var type) && type.ValueKind == JsonValueKind.String)
            {
                if (type.GetString() == "ClassLabel" && feature.Value.TryGetProperty("names", out var names))
                    result[prefix + feature.Name] = [.. names.EnumerateArray().Select(n => n.GetString() ?? "")];
            }
            else
            {
                Add(result, prefix + feature.Name + ".", feature.Value);
            }
        }
    }
}
