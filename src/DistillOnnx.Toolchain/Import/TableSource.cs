using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Completions;

namespace DistillOnnx.Toolchain.Import;

/// <summary>A user's own files: JSON Lines, CSV or Parquet, with a task description and a map of columns.</summary>
internal sealed class TableSource : IImportSource
{
    private readonly ImportOptions _options;
    private readonly ColumnMap _map;
    private readonly Func<string, IEnumerable<TableRow>> _read;
    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> _files;
    private readonly CompletionParser _parser;

    /// <summary>Opens the files.</summary>
    /// <param name="options">Which, and what their columns mean.</param>
    /// <exception cref="InputException">The task or a file is missing, or a file's split cannot be told.</exception>
    public TableSource(ImportOptions options)
    {
        _options = options;
        Task = TaskSpec.Load(options.Task!);
        _parser = CompletionParser.For(Task);
        _map = new ColumnMap(options.Column, []);
        var (extensions, read) = Format(options.Source);
        _read = read;
        _files = TableFiles.BySplit(options.From, extensions);
        Splits = [.. SplitNames.All.Where(_files.ContainsKey)];
    }

    public TaskSpec Task { get; }

    public IReadOnlyList<string> Splits { get; }

    public IReadOnlyList<string> Files(string split) => _files[split];

    public IEnumerable<ImportedRow> Rows(string split)
    {
        var count = 0L;
        foreach (var file in _files[split])
        {
            foreach (var row in _read(file)) yield return Row(row, $"{split}-{count++}");
        }
    }

    private static (string[] Extensions, Func<string, IEnumerable<TableRow>> Read) Format(string source) => source switch
    {
        "jsonl" => ([".jsonl", ".json", ".ndjson"], JsonLinesTable.Read),
        "csv" => ([".csv", ".tsv"], CsvTable.Read),
        _ => ([".parquet"], ParquetTable.Read),
    };

    private ImportedRow Row(TableRow row, string defaultId)
    {
        var choices = Choices(row);
        var example = new Example
        {
            Id = _map.Text(row, ColumnMap.Id) ?? defaultId,
            Input = Input(row) ?? throw new InputException($"{row.Where}: \"input\" is missing; the row has {string.Join(", ", row.Values.Keys.Take(20))}"),
            Label = Label(row, ColumnMap.Label, choices),
            Rationale = _map.Text(row, ColumnMap.Rationale),
            TeacherLabel = Label(row, ColumnMap.TeacherLabel, choices),
            Choices = choices,
        };
        if (_map.Text(row, ColumnMap.Completion) is not { } completion)
            return new ImportedRow(row.Where, example, HasTeacher: example.TeacherLabel is not null, CompletionFault.None);
        if (example.Rationale is not null || example.TeacherLabel is not null)
            throw new InputException($"{row.Where}: expected either a completion or a rationale and teacher label, found both");
        var parsed = _parser.Parse(completion);
        return new ImportedRow(row.Where, example with { Rationale = parsed.Rationale, TeacherLabel = parsed.Label }, HasTeacher: true, parsed.Fault);
    }

    private string? Input(TableRow row)
    {
        if (_map.Values(row, ColumnMap.Input) is not { } parts) return null;
        var joint = _options.Join ?? Task.SegmentSeparator ?? "\n";
        return string.Join(joint, parts.Select(p => ColumnMap.One(row, ColumnMap.Input, p) ?? throw new InputException($"{row.Where}: a part of \"input\" is empty")));
    }

    private List<string>? Choices(TableRow row)
    {
        if (_map.Values(row, ColumnMap.Choices) is not { } parts) return null;
        var texts = parts switch
        {
            [IReadOnlyList<string?> list] => list,
            [string text] => text.Split(_options.ChoiceSeparator),
            _ => parts.Select(p => ColumnMap.One(row, ColumnMap.Choices, p)).ToList(),
        };
        return [.. texts.Select(t => t?.Trim() ?? "")];
    }

    private string? Label(TableRow row, string field, List<string>? choices)
    {
        if (_map.Text(row, field)?.Trim() is not { Length: > 0 } label) return null;
        if (!_options.LabelIndex) return label;
        var set = choices ?? Task.Labels ?? throw new InputException($"{row.Where}: --label-index needs a closed set, and the task's answers are open text");
        return int.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < set.Count
            ? set[index]
            : throw new InputException($"{row.Where}: \"{field}\": expected 0 to {set.Count - 1}, found \"{label}\"");
    }
}
