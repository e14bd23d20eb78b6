using System.Text.Json;
using DistillOnnx.Core;

namespace DistillOnnx.Teacher.BatchJobs;

/// <summary>
/// Which jobs were begun and which are done, in a file that is only appended to. A job is noted by a tag of its own before it is begun,
/// so that one begun just before a kill is found again among the endpoint's jobs by that tag.
/// </summary>
internal sealed class BatchLog
{
    private const string FileName = "batches.jsonl";
    private readonly string _path;
    private readonly Dictionary<string, string?> _open = new(StringComparer.Ordinal);

    public BatchLog(string directory)
    {
        _path = Path.Combine(directory, FileName);
        if (!File.Exists(_path)) return;
        var text = File.ReadAllText(_path);
        var whole = text[..(text.LastIndexOf('\n') + 1)];
        // A line cut by a kill has no information that the endpoint's own list lacks.
        if (whole.Length < text.Length) File.WriteAllText(_path, whole);
        foreach (var line in whole.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                using var document = JsonDocument.Parse(line);
                var tag = document.RootElement.GetProperty("tag").GetString()!;
                if (document.RootElement.TryGetProperty("done", out _)) _open.Remove(tag);
                else _open[tag] = document.RootElement.TryGetProperty("id", out var id) ? id.GetString() : null;
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new InputException($"{_path}: a line is not of this file's form", e);
            }
        }
    }

    /// <summary>Jobs that are not done: tag and, where it is known, the endpoint's name.</summary>
    public IReadOnlyList<(string Tag, string? Id)> Open => [.. _open.Select(o => (o.Key, o.Value))];

    /// <summary>Notes that a job is about to be begun.</summary>
    public void Intend(string tag) => Note(tag, null, done: false);

    /// <summary>Notes that a job is begun.</summary>
    public void Begin(string tag, string id) => Note(tag, id, done: false);

    /// <summary>Notes that a job's answers are in the journal, or that it came to nothing.</summary>
    public void Done(string tag) => Note(tag, null, done: true);

    private void Note(string tag, string? id, bool done)
    {
        if (done) _open.Remove(tag);
        else _open[tag] = id;
        using var stream = new FileStream(_path, FileMode.Append, FileAccess.Write);
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("tag", tag);
            if (id is not null) json.WriteString("id", id);
            if (done) json.WriteBoolean("done", true);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        stream.Flush(flushToDisk: true);
    }
}
