using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using DistillOnnx.Core;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Rows that cannot be used: left out and written to a file where the user asked for that, otherwise reported together.</summary>
internal sealed partial class RowFaults : IDisposable
{
    private const int Listed = 5;
    private const int ListedOfAKind = 3;
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly AtomicFile? _file;
    private readonly List<string> _first = [];
    private readonly Dictionary<string, int> _kinds = new(StringComparer.Ordinal);

    /// <summary>Begins.</summary>
    /// <param name="skipFile">The file that gets a JSON line for each row left out; null: such a row fails the import.</param>
    public RowFaults(string? skipFile) => _file = skipFile is null ? null : AtomicFile.Create(skipFile);

    /// <summary>How many.</summary>
    public long Count { get; private set; }

    /// <summary>Notes a row.</summary>
    /// <param name="split">Its split.</param>
    /// <param name="message">Names its file, row and column and describes the fault.</param>
    /// <param name="input">Its input, where that could be read.</param>
    public void Add(string split, string message, string? input)
    {
        Count++;
        if (_first.Count < Listed && IsNews(message)) _first.Add(message);
        if (_file is null) return;
        using (var json = new Utf8JsonWriter(_file.Stream, Writing))
        {
            json.WriteStartObject();
            json.WriteString("split", split);
            json.WriteString("fault", message);
            if (input is not null) json.WriteString("input", input);
            json.WriteEndObject();
        }

        _file.Stream.WriteByte((byte)'\n');
    }

    /// <summary>Puts the file in place, or fails where there is a fault and no file was asked for.</summary>
    /// <param name="kept">Rows that can be used.</param>
    /// <param name="reporter">Receives how many were left out.</param>
    /// <exception cref="InputException">There are faults and none may be left out, or nothing is left; the message has the first ones in
    /// the order of the rows.</exception>
    public void Finish(long kept, IReporter reporter)
    {
        _file?.Commit();
        if (Count == 0) return;
        if (_file is not null && kept > 0)
        {
            reporter.Warn($"{Count} rows were left out of {kept + Count}; the first: {_first[0]}");
            return;
        }

        if (Count == 1) throw new InputException(_first[0]);
        // The run fails at the first one: what is told of the others stands behind it, in the same message.
        var named = _first.Count == Count ? "" : _first.Count == 1 ? "; the first" : $"; {_first.Count} of them";
        var hint = _file is null ? " (--skip-bad-rows FILE leaves them out and writes them with reasons)" : "";
        throw new InputException($"{Count} rows cannot be used{hint}{named}: {string.Join(" | ", _first)}");
    }

    // A column that is missing is missing in every row: a few of those that differ in their place, or in what was found, are enough.
    private bool IsNews(string message)
    {
        var kind = Place().Replace(message, "");
        var times = _kinds[kind] = _kinds.GetValueOrDefault(kind) + 1;
        return times <= ListedOfAKind;
    }

    [GeneratedRegex(@": row \d+|(?<=found )"".*?""(?=$|;)")]
    private static partial Regex Place();

    /// <summary>Removes the file where the import failed before it was complete.</summary>
    public void Dispose() => _file?.Dispose();
}
