using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Data;

/// <summary>
/// Writes a dataset directory row by row. Rows are checked against the task, and the directory appears whole at
/// <see cref="Commit"/> or not at all. Beside the rows stands <c>dataset.json</c>, which says how they came about.
/// </summary>
public sealed class DatasetWriter : IDisposable
{
    /// <summary>The file that records where the rows came from, with each split's row count and SHA-256.</summary>
    public const string InfoFileName = "dataset.json";

    private readonly OutputDirectory _output;
    private readonly Dictionary<string, Split> _splits = new(StringComparer.Ordinal);

    private DatasetWriter(OutputDirectory output, TaskSpec task)
    {
        _output = output;
        Task = task;
    }

    /// <summary>What the dataset asks.</summary>
    public TaskSpec Task { get; }

    /// <summary>What <c>dataset.json</c> says beside the splits: source, options. Keys are snake_case.</summary>
    public JsonObject Info { get; } = [];

    /// <summary>What is asked of each row's labels.</summary>
    public LabelNeed Need { get; init; } = LabelNeed.None;

    /// <summary>Starts a dataset.</summary>
    /// <param name="directory">Where it will stand.</param>
    /// <param name="task">What it asks.</param>
    /// <param name="overwrite">Whether an existing output may be replaced.</param>
    /// <param name="need">What is asked of each row's labels.</param>
    /// <exception cref="InputException">The task is not valid, or the output exists or cannot be written.</exception>
    public static DatasetWriter Create(string directory, TaskSpec task, bool overwrite = false, LabelNeed need = LabelNeed.None)
    {
        var faults = task.Validate();
        if (faults.Count > 0) throw new InputException($"task \"{task.Name}\": {string.Join("; ", faults)}");
        return new DatasetWriter(OutputDirectory.Create(directory, overwrite), task) { Need = need };
    }

    /// <summary>A path within the dataset for a file beside the rows, which appears with them.</summary>
    /// <param name="name">The file's name; none of the dataset's own.</param>
    public string FilePath(string name) => _output.FilePath(name);

    /// <summary>Rows written to a split so far.</summary>
    /// <param name="split">One of <see cref="SplitNames.All"/>.</param>
    public long Rows(string split) => _splits.TryGetValue(split, out var state) ? state.Rows : 0;

    /// <summary>Writes a row.</summary>
    /// <param name="split">One of <see cref="SplitNames.All"/>.</param>
    /// <param name="example">The row.</param>
    /// <param name="where">Names the row in messages, for instance the file and row that it comes from; null: its place in the
    /// split.</param>
    /// <exception cref="InputException">The row does not fit the task, its id occurred before, or it is not Unicode text.</exception>
    public void Write(string split, Example example, string? where = null)
    {
        if (TryWrite(split, example) is { } fault) throw new InputException($"{where ?? $"{split}: row {Rows(split) + 1}"}: {fault}");
    }

    /// <summary>Writes a row, or says why it cannot be written; what was written before stays.</summary>
    /// <param name="split">One of <see cref="SplitNames.All"/>.</param>
    /// <param name="example">The row.</param>
    /// <returns>The fault, or null where the row is written.</returns>
    public string? TryWrite(string split, Example example)
    {
        SplitNames.Require(split);
        if (ExampleRules.Fault(Task, example, Need) is { } fault) return fault;
        if (!_splits.TryGetValue(split, out var state)) _splits.Add(split, state = new Split(_output.FilePath(SplitNames.FileName(split))));
        return state.Write(example);
    }

    /// <summary>Writes <c>task.json</c> and <c>dataset.json</c> and puts the directory in place.</summary>
    /// <param name="allowEmpty">Whether the directory may appear without any row, for the files beside them.</param>
    /// <exception cref="InputException">No row was written, and that is not allowed.</exception>
    public void Commit(bool allowEmpty = false)
    {
        if (_splits.Count == 0 && !allowEmpty) throw new InputException($"{_output.Target}: no row to write");
        var splits = new JsonObject();
        foreach (var name in SplitNames.All)
        {
            if (!_splits.TryGetValue(name, out var state)) continue;
            splits[name] = new JsonObject { ["rows"] = state.Rows, ["sha256"] = state.Close() };
        }

        Task.Save(_output.FilePath(TaskSpec.FileName));
        Info["splits"] = splits;
        using (var stream = File.Create(_output.FilePath(InfoFileName)))
        {
            using (var json = new Utf8JsonWriter(stream, ExampleJson.Writing with { Indented = true, NewLine = "\n" })) Info.WriteTo(json);
            stream.WriteByte((byte)'\n');
        }

        _output.Commit();
    }

    /// <summary>Closes the files; without a commit nothing stays.</summary>
    public void Dispose()
    {
        foreach (var split in _splits.Values) split.Dispose();
        _output.Dispose();
    }

    // The JSON writer would put a replacement character in place of half a pair, and the row would not read back equal.
    private static bool IsUnicode(Example example) =>
        IsUnicode(example.Id) && IsUnicode(example.Input) && IsUnicode(example.Label) && IsUnicode(example.Rationale)
        && IsUnicode(example.TeacherLabel) && (example.Choices is null || example.Choices.All(IsUnicode));

    private static bool IsUnicode(string? text)
    {
        for (var rest = text.AsSpan(); ;)
        {
            var at = rest.IndexOfAnyInRange('\uD800', '\uDFFF');
            if (at < 0) return true;
            if (at + 1 == rest.Length || !char.IsSurrogatePair(rest[at], rest[at + 1])) return false;
            rest = rest[(at + 2)..];
        }
    }

    private sealed class Split(string path) : IDisposable
    {
        private readonly FileStream _file = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16);
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly ArrayBufferWriter<byte> _buffer = new();
        private readonly IdSet _ids = new();

        public long Rows { get; private set; }

        public string? Write(Example example)
        {
            if (!IsUnicode(example)) return "expected Unicode text, found half of a surrogate pair";
            _buffer.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(_buffer, ExampleJson.Writing)) ExampleJson.Write(json, example);
            _buffer.Write("\n"u8);
            if (_buffer.WrittenCount > JsonLines.MaxLineBytes)
                return $"expected a row of at most {JsonLines.MaxLineBytes >> 20} MiB, found {_buffer.WrittenCount >> 20} MiB";
            if (!_ids.Add(example.Id)) return IdSet.Repeated(example.Id);
            _file.Write(_buffer.WrittenSpan);
            _hash.AppendData(_buffer.WrittenSpan);
            Rows++;
            return null;
        }

        public string Close()
        {
            _file.Flush(flushToDisk: true);
            _file.Dispose();
            return Convert.ToHexStringLower(_hash.GetCurrentHash());
        }

        public void Dispose()
        {
            _file.Dispose();
            _hash.Dispose();
            _ids.Dispose();
        }
    }
}
