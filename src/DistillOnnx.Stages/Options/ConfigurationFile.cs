using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;

namespace DistillOnnx.Stages.Options;

/// <summary>A configuration file: one JSON object of options, or one object for each stage.</summary>
public sealed class ConfigurationFile
{
    private static readonly JsonDocumentOptions Json = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
    };

    private readonly JsonObject _root;
    private readonly bool _byStage;

    private ConfigurationFile(string path, JsonObject root)
    {
        Path = path;
        _root = root;
        _byStage = root.Any(p => p.Value is JsonObject);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="verbs">The names of all stages.</param>
    /// <exception cref="InputException">The file is missing, is not such an object, or names a stage that there is not.</exception>
    public static ConfigurationFile Load(string path, IReadOnlyCollection<string> verbs)
    {
        if (!File.Exists(path)) throw new InputException($"{path}: no such file; expected a configuration (JSON object)");
        try
        {
            var bytes = File.ReadAllBytes(path).AsSpan();
            if (bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) bytes = bytes[3..];
            var root = JsonNode.Parse(bytes, documentOptions: Json) as JsonObject
                ?? throw new InputException($"{path}: expected a JSON object");
            var file = new ConfigurationFile(path, root);
            if (file._byStage && root.FirstOrDefault(p => p.Value is not JsonObject || !verbs.Contains(p.Key)) is { Key: { } odd })
                throw new InputException(
                    $"{path}: expected an object of options, or one for each of {string.Join(", ", verbs)}, found "
                    + $"\"{odd}\"{NearestName.Suggest(odd, verbs)}");
            return file;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InputException($"{path}: not JSON: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A stage's options by key; null where the file has an object for each stage and none for this one.</summary>
    /// <param name="verb">The stage's name on the command line.</param>
    public JsonObject? Section(string verb) => _byStage ? _root[verb] as JsonObject : _root;
}
