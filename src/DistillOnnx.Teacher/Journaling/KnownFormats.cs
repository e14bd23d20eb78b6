using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Teacher.Journaling;

/// <summary>
/// Which endpoints take a schema for their answers, in a file beside the journal. A run that is started again asks in the same
/// form as before, so that its requests keep their keys.
/// </summary>
/// <param name="directory">The journal's directory.</param>
internal sealed class KnownFormats(string directory)
{
    /// <summary>The file's name within the journal's directory.</summary>
    public const string FileName = "answer-formats.json";

    private const string Json = "json", FreeText = "text";

    private readonly string _path = Path.Combine(directory, FileName);

    /// <summary>Whether a teacher takes a schema; null where that is not known.</summary>
    /// <param name="teacher">Model and place.</param>
    /// <exception cref="InputException">The file cannot be read.</exception>
    public bool? Find(string teacher) => Load().TryGetValue(teacher, out var format) ? format switch
    {
        Json => true,
        FreeText => false,
        _ => throw new InputException($"{_path}: \"{teacher}\": expected \"{Json}\" or \"{FreeText}\", found \"{format}\""),
    } : null;

    /// <summary>Notes whether a teacher takes a schema.</summary>
    /// <param name="teacher">Model and place.</param>
    /// <param name="structured">Whether it does.</param>
    public void Set(string teacher, bool structured)
    {
        var formats = Load();
        formats[teacher] = structured ? Json : FreeText;
        AtomicFile.WriteAllBytes(_path, JsonSerializer.SerializeToUtf8Bytes(formats));
    }

    private SortedDictionary<string, string> Load()
    {
        if (!File.Exists(_path)) return new SortedDictionary<string, string>(StringComparer.Ordinal);
        try
        {
            var formats = JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllBytes(_path))
                ?? throw new InputException($"{_path}: expected a JSON object, found null");
            return new SortedDictionary<string, string>(formats, StringComparer.Ordinal);
        }
        catch (JsonException e)
        {
            throw new InputException($"{_path}: expected a JSON object of texts; delete the file; it will be written again", e);
        }
    }
}
