using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Completions;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Import;

/// <summary>A user's own files: JSON Lines, delimited text, workbooks or Parquet, with a task description and a map of columns.</summary>
internal sealed class TableSource : IImportSource
{
    private readonly ImportOptions _options;
    private readonly HashSet<string> _checked = new(StringComparer.Ordinal);
    private readonly ColumnMap _map;
    private readonly Func<string, IEnumerable<TableRow>> _read;
    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> _files;
    private readonly CompletionParser _parser;
    private readonly LabelReader _labels;
    private readonly Dictionary<string, IReadOnlyDictionary<string, IReadOnlyList<string>>> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Encoding> _encodings = new(StringComparer.Ordinal);

    /// <summary>Opens the files.</summary>
    /// <param name="options">Which, and what their columns mean.</param>
    /// <param name="reporter">Receives what was detected and can also be set by an option.</param>
    /// <exception cref="InputException">The task or a file is missing, or a file's split cannot be determined.</exception>
    public TableSource(ImportOptions options, IReporter reporter)
    {
        _options = options;
        Task = TaskSpec.Load(options.Task!);
        _parser = CompletionParser.For(Task);
        _map = new ColumnMap(options.Column, []);
        _labels = new LabelReader(Task, options);
        var (extensions, read) = Format(options.Source);
        _read = read;
        _files = TableFiles.BySplit(options.From, extensions);
        Splits = [.. SplitNames.All.Where(_files.ContainsKey)];
        foreach (var file in _files.Values.SelectMany(f => f)) Inspect(file, reporter);
    }

    public TaskSpec Task { get; }

    public IReadOnlyList<string> Splits { get; }

    public IReadOnlyList<string> Files(string split) => _files[split];

    public IEnumerable<ImportedRow> Rows(string split)
    {
        var count = 0L;
        foreach (var file in _files[split])
        {
            foreach (var row in _read(file))
            {
                // Spreadsheets save rows of empty cells behind the last one. A row of JSON Lines or Parquet is never one of them.
                if (_options.Source is not ("jsonl" or "parquet") && row.Fault is null && IsBlank(row)) continue;
                yield return Read(row, $"{split}-{count++}");
            }
        }
    }

    private static string Listed(IEnumerable<string> names) => string.Join(", ", names.Select(InputText.Show));

    private static bool IsBlank(TableRow row) =>
        row.Values.Values.All(v => v is null || (v is string text && string.IsNullOrWhiteSpace(text)));

    /// <inheritdoc/>
    public string? Unused => _labels.Unused;

    private (string[] Extensions, Func<string, IEnumerable<TableRow>> Read) Format(string source) => source switch
    {
        "jsonl" => ([".jsonl", ".json", ".ndjson"], JsonLinesTable.Read),
        "csv" => ([".csv", ".tsv", ".txt"], file => CsvTable.Read(file, _options.DelimiterCharacter, _encodings[file], _options.HeaderRow)),
        "tsv" => (
            [".tsv", ".txt"],
            file => CsvTable.Read(file, _options.DelimiterCharacter ?? '\t', _encodings[file], _options.HeaderRow)),
        "xlsx" => ([".xlsx"], file => XlsxTable.Read(file, _options.Sheet, _options.HeaderRow)),
        _ => ([".parquet"], file => ParquetTable.Read(file, _map.Reads)),
    };

    // Report what was detected about a file, where it could be wrong.
    private void Inspect(string file, IReporter reporter)
    {
        switch (_options.Source)
        {
            case "csv" or "tsv":
                TextEncodings.RequireText(file);
                var guessed = false;
                _encodings[file] = _options.Encoding is { } name ? TextEncodings.Named(name)! : TextEncodings.Detect(file, out guessed);
                if (guessed)
                    reporter.Warn($"{file}: not UTF-8; read as {_encodings[file].WebName}, which is a guess; --encoding names another one");
                break;
            case "xlsx":
                var sheets = XlsxTable.Sheets(file);
                if (_options.Sheet is { } sheet && !sheets.Contains(sheet))
                    throw new InputException($"{file}: has no sheet \"{sheet}\", only {Listed(sheets)}");
                if (_options.Sheet is null && sheets.Count > 1)
                    reporter.Warn(
                        $"{file}: read from its first sheet, \"{InputText.Show(sheets[0])}\"; it also has "
                        + $"{Listed(sheets.Skip(1))}; --sheet names another one");
                break;
            default:
                Names(file, reporter);
                break;
        }
    }

    private void Names(string file, IReporter reporter)
    {
        if (_options.Source == "parquet") _map.RequireColumns(file, ParquetTable.Columns(file), !_options.Unlabelled);
        _names[file] = ClassLabels.Of(file);
        if (!_names[file].TryGetValue(_map.Column(ColumnMap.Label), out var names)) return;
        if (_options.LabelIndex && Task.Labels is { } labels && !labels.SequenceEqual(names, StringComparer.Ordinal))
            throw new InputException(
                $"{file}: its positions stand for {Listed(names)}, the task's labels are "
                + $"{string.Join(", ", labels)}; leave --label-index out to take the file's names");
        reporter.Info($"{file}: its positions stand for {Listed(names)}, as its own metadata says");
    }

    private ImportedRow Read(TableRow row, string defaultId)
    {
        if (row.Columns is { } header && _checked.Add(row.File)) _map.RequireColumns(row.File, header, !_options.Unlabelled);
        if (row.Fault is { } fault) return Faulty($"{row.Where}: {fault}");
        try
        {
            return Row(row, defaultId) with { At = field => _map.At(row, field) };
        }
        catch (InputException e)
        {
            return Faulty(e.Message);
        }

        ImportedRow Faulty(string message) =>
            new(row.Where, new Example { Id = defaultId, Input = "" }, false, CompletionFault.None, message);
    }

    private ImportedRow Row(TableRow row, string defaultId)
    {
        var choices = Choices(row);
        var example = new Example
        {
            Id = _map.Text(row, ColumnMap.Id) ?? defaultId,
            Input = Input(row) ?? throw new InputException(row.Values.ContainsKey(_map.Column(ColumnMap.Input))
                ? $"{_map.At(row, ColumnMap.Input)}: \"input\" is empty"
                : $"{row.Where}: \"{_map.Column(ColumnMap.Input)}\" is missing; the row has "
                + $"{Listed(row.Values.Keys.Take(20))}; --column input=COLUMN names another one"),
            Label = GoldLabel(row, choices),
            Rationale = _map.Text(row, ColumnMap.Rationale),
            TeacherLabel = Label(row, ColumnMap.TeacherLabel, choices),
            Choices = choices,
        };
        if (_map.Text(row, ColumnMap.Completion) is not { } completion)
            return new ImportedRow(row.Where, example, HasTeacher: example.TeacherLabel is not null, CompletionFault.None);
        if (example.Rationale is not null || example.TeacherLabel is not null)
            throw new InputException($"{row.Where}: expected either a completion or a rationale and teacher label, found both");
        var parsed = _parser.Parse(completion);
        return new ImportedRow(
            row.Where, example with { Rationale = parsed.Rationale, TeacherLabel = parsed.Label }, HasTeacher: true, parsed.Fault);
    }

    private string? Input(TableRow row)
    {
        if (_map.Values(row, ColumnMap.Input) is not { } parts) return null;
        var joint = _options.Join ?? Task.SegmentSeparator ?? "\n";
        return string.Join(joint, parts.Select(p => _map.One(row, ColumnMap.Input, p) ?? ""));
    }

    private List<string>? Choices(TableRow row)
    {
        if (_map.Values(row, ColumnMap.Choices) is not { } parts) return null;
        var texts = parts switch
        {
            [IReadOnlyList<string?> list] => list,
            [string text] => text.Split(_options.ChoiceSeparator),
            _ => parts.Select(p => _map.One(row, ColumnMap.Choices, p)).ToList(),
        };
        // A blank cell among columns that are joined is no choice; behind the last one it shifts no position.
        var trimmed = texts.Select(t => t?.Trim() ?? "").ToList();
        while (parts.Count > 1 && trimmed is [.., ""]) trimmed.RemoveAt(trimmed.Count - 1);
        return trimmed;
    }

    // A row that lacks the column is named with the columns that it has: most often the label stands in another one.
    private string? GoldLabel(TableRow row, List<string>? choices)
    {
        var column = _map.Column(ColumnMap.Label);
        return _options.Unlabelled || row.Values.ContainsKey(column)
            ? Label(row, ColumnMap.Label, choices)
            : throw new InputException(
                $"{row.Where}: \"{column}\" is missing; the row has {Listed(row.Values.Keys.Take(20))}; "
                + "--column label=COLUMN names another one, --unlabelled takes rows without labels");
    }

    private string? Label(TableRow row, string field, List<string>? choices)
    {
        var names = _names.TryGetValue(row.File, out var columns) ? columns.GetValueOrDefault(_map.Column(field)) : null;
        var label = _labels.Read(_map.Text(row, field), choices, names, out var fault);
        return fault is null ? label : throw new InputException($"{_map.At(row, field)}: \"{field}\": {fault}");
    }
}
