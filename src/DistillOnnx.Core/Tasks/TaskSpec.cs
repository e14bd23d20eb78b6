using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DistillOnnx.Core.Tasks;

/// <summary>
/// <c>task.json</c>: what a dataset asks and how its two texts are prefixed. A checkpoint carries the task that it was
/// trained with, so a student trained without prefixes says so in its own copy.
/// </summary>
[JsonConverter(typeof(TaskSpecConverter))]
public sealed record TaskSpec
{
    /// <summary>The file's name within a dataset or checkpoint directory.</summary>
    public const string FileName = "task.json";

    /// <summary>Longest input in tokens that training uses where neither the task nor an option says one.</summary>
    public const int DefaultMaxInputTokens = 1024;

    /// <summary>Names the task; also the default name of a served model.</summary>
    public required string Name { get; init; }

    /// <summary>What the answers are drawn from.</summary>
    public required TaskKind Kind { get; init; }

    /// <summary>The closed set in a fixed order, for <see cref="TaskKind.Labels"/>; otherwise null.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>When a predicted label counts as right.</summary>
    public TaskMetric Metric { get; init; }

    /// <summary>Put before an input whose label is asked for; may be empty.</summary>
    public string PredictPrefix { get; init; } = "predict: ";

    /// <summary>Put before an input whose rationale is asked for; may be empty.</summary>
    public string ExplainPrefix { get; init; } = "explain: ";

    /// <summary>
    /// What stands between the parts of an input and is encoded as the end token, for instance <c>&lt;/s&gt;</c> between
    /// premise and hypothesis. Null: an input is one part, and such a text within it is text.
    /// </summary>
    public string? SegmentSeparator { get; init; }

    /// <summary>Longest input in tokens, prefix and end token included; longer ones are cut. Null: not limited by the task.</summary>
    public int? MaxInputTokens { get; init; }

    /// <summary>Longest label in tokens, end token included, that decoding may give. Null: the decoder's default.</summary>
    public int? MaxLabelTokens { get; init; }

    // Far above any real one: a wrong file is told from its size and not read.
    private const long LongestFile = 256 << 20;

    /// <summary>Reads <c>task.json</c>.</summary>
    /// <param name="path">The file, or the directory that holds it.</param>
    /// <exception cref="InputException">The file is missing, is not JSON, or does not describe a task.</exception>
    public static TaskSpec Load(string path)
    {
        if (Directory.Exists(path)) path = Path.Combine(path, FileName);
        if (!File.Exists(path)) throw new InputException($"{path}: no such file; expected a task description ({FileName})");
        return Parse(PlainFile.Read(path, LongestFile), path);
    }

    /// <summary>Reads a task description.</summary>
    /// <param name="utf8">Its JSON.</param>
    /// <param name="where">Names it in messages.</param>
    /// <exception cref="InputException">The text is not JSON or does not describe a task.</exception>
    public static TaskSpec Parse(ReadOnlySpan<byte> utf8, string where)
    {
        if (utf8.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) utf8 = utf8[3..];
        TaskSpec? task;
        try
        {
            task = JsonSerializer.Deserialize(utf8, TaskJsonContext.Default.TaskSpec);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException($"{where}: not a task description: {Describe(e)}", e);
        }

        if (task is null) throw new InputException($"{where}: expected a JSON object, found null");
        var faults = task.Validate();
        if (faults.Count > 0) throw new InputException($"{where}: {string.Join("; ", faults)}");
        return task;
    }

    // The serializer's own message for a value of the wrong type names types of this program.
    private static string Describe(Exception e) => e is JsonException { InnerException: InvalidOperationException, Path: { } path }
        ? $"the value at {path} is of the wrong type"
        : e.Message.ReplaceLineEndings(" ");

    /// <summary>Writes <c>task.json</c>.</summary>
    /// <param name="path">The file, or the existing directory to put it in.</param>
    public void Save(string path)
    {
        if (Directory.Exists(path)) path = Path.Combine(path, FileName);
        using var stream = File.Create(path);
        var format = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(stream, format))
            JsonSerializer.Serialize(json, this, TaskJsonContext.Default.TaskSpec);
        stream.WriteByte((byte)'\n');
    }

    /// <summary>SHA-256 of what the description says, however its file is written, in lower-case hexadecimal.</summary>
    public string Hash() => Convert.ToHexStringLower(
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(this, TaskJsonContext.Default.TaskSpec)));

    /// <summary>All faults of this task, empty where there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (string.IsNullOrWhiteSpace(Name)) faults.Add("\"name\" is empty");
        if (Kind == TaskKind.Labels)
        {
            if (Labels is null || Labels.Count < 2)
                faults.Add($"\"labels\" needs at least two labels for kind \"labels\", found {Labels?.Count ?? 0}");
            else if (Labels.Distinct(StringComparer.Ordinal).Count() != Labels.Count) faults.Add("\"labels\" names a label twice");
            else if (Labels.Any(string.IsNullOrWhiteSpace)) faults.Add("\"labels\" has an empty label");
        }
        else if (Labels is not null)
        {
            faults.Add($"\"labels\" goes with kind \"labels\" only, found kind \"{Kind.ToString().ToLowerInvariant()}\"");
        }

        if (PredictPrefix is null || ExplainPrefix is null) faults.Add("prefixes may be empty but not null");
        if (SegmentSeparator is "") faults.Add("\"segment_separator\" may be absent but not empty");
        if (MaxInputTokens is < 2) faults.Add($"\"max_input_tokens\" must be at least 2, found {MaxInputTokens}");
        if (MaxLabelTokens is < 1) faults.Add($"\"max_label_tokens\" must be at least 1, found {MaxLabelTokens}");
        return faults;
    }
}
