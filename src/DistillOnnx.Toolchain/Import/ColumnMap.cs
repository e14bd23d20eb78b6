using DistillOnnx.Core;
using DistillOnnx.Stages.Options;
using DistillOnnx.Toolchain.Import.Excel;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Which columns hold a row's fields: <c>FIELD=COLUMN</c> or <c>FIELD=COLUMN+COLUMN</c>; a field that is not
/// named is its own column.</summary>
internal sealed class ColumnMap
{
    /// <summary>Names the row.</summary>
    public const string Id = "id";

    /// <summary>The input text; may join columns.</summary>
    public const string Input = "input";

    /// <summary>The gold label.</summary>
    public const string Label = "label";

    /// <summary>The reasons.</summary>
    public const string Rationale = "rationale";

    /// <summary>The teacher's label.</summary>
    public const string TeacherLabel = "teacher_label";

    /// <summary>The row's closed set; may join columns.</summary>
    public const string Choices = "choices";

    /// <summary>A raw completion, to be parsed into rationale and teacher label.</summary>
    public const string Completion = "completion";

    private static readonly string[] Fields = [Id, Input, Label, Rationale, TeacherLabel, Choices, Completion];

    private readonly Dictionary<string, string[]> _columns = new(StringComparer.Ordinal);

    /// <summary>Reads the map.</summary>
    /// <param name="entries">What the user gave.</param>
    /// <param name="faults">Gets what is wrong with it.</param>
    public ColumnMap(IReadOnlyList<string> entries, List<string> faults)
    {
        foreach (var entry in entries)
        {
            var at = entry.IndexOf('=', StringComparison.Ordinal);
            var field = at < 0 ? entry : entry[..at];
            if (at < 0 || at + 1 == entry.Length) faults.Add($"--column: expected FIELD=COLUMN, found \"{entry}\"");
            else if (!Fields.Contains(field))
                faults.Add($"--column: expected one of {string.Join(", ", Fields)} before \"=\", found \"{field}\"");
            else if (!_columns.TryAdd(field, Split(field, entry[(at + 1)..]))) faults.Add($"--column: \"{field}\" occurs twice");
        }
    }

    /// <summary>Refuses a file whose header lacks a column that was named, or one that every row needs.</summary>
    /// <param name="file">The file.</param>
    /// <param name="header">Its columns.</param>
    /// <param name="needsLabel">Whether every row needs a label.</param>
    /// <exception cref="InputException">It does.</exception>
    public void RequireColumns(string file, IReadOnlyList<string> header, bool needsLabel)
    {
        var names = TableHeader.Comparer(header);
        string[] needed = needsLabel ? [Column(Input), Column(Label)] : [Column(Input)];
        if (needed.Concat(_columns.Values.SelectMany(c => c)).FirstOrDefault(c => !header.Contains(c, names)) is not { } missing) return;
        var named = header.Where(h => h.Length > 0).Take(20).ToList();
        var shown = string.Join(", ", named.Select(InputText.Show));
        throw new InputException($"{file}: has no column \"{missing}\", only {shown}{Hint(missing, named)}");
    }

    private string Hint(string missing, List<string> header)
    {
        if (header is [var one])
            return one.IndexOfAny([',', ';', '\t', '|']) >= 0
                ? "; --delimiter says what separates the columns"
                : "; --header-row says which row names the columns";
        if (NearestName.Suggest(missing, [.. header.Select(InputText.Show)]) is { Length: > 0 } near) return near;
        if (missing == Input) return "; --column input=COLUMN names another one";
        return missing == Label ? "; --column label=COLUMN names another one, --unlabelled takes rows without labels" : "";
    }

    /// <summary>Whether a column is read.</summary>
    /// <param name="column">The column.</param>
    public bool Reads(string column) => Fields.Any(f => _columns.TryGetValue(f, out var columns) ? columns.Contains(column) : f == column);

    /// <summary>The text of a field, or null where the row has none.</summary>
    /// <param name="row">The row.</param>
    /// <param name="field">One of the fields above.</param>
    /// <exception cref="InputException">A column that was named is missing, or holds a list.</exception>
    public string? Text(TableRow row, string field) => Values(row, field) is [var value] ? One(row, field, value) : null;

    /// <summary>The texts of a field's columns, in the order given; null where the row lacks the field.</summary>
    /// <param name="row">The row.</param>
    /// <param name="field">One of the fields above.</param>
    /// <exception cref="InputException">A column that was named is missing, or a cell shows an error.</exception>
    public IReadOnlyList<object?>? Values(TableRow row, string field)
    {
        if (!_columns.TryGetValue(field, out var columns))
        {
            if (!row.Values.TryGetValue(field, out var value) || value is null) return null;
            Check(row, [field], [value]);
            return [value];
        }

        var values = new object?[columns.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            if (!row.Values.TryGetValue(columns[i], out values[i]))
                throw new InputException(
                    $"{row.Where}: column \"{columns[i]}\" is missing; the row has "
                    + string.Join(", ", row.Values.Keys.Take(20).Select(InputText.Show)));
        }

        Check(row, columns, values);
        return values.All(v => v is null) ? null : values;
    }

    /// <summary>A value that must be one text.</summary>
    public string? One(TableRow row, string field, object? value) => value is IReadOnlyList<string?>
        ? throw new InputException($"{At(row, field)}: \"{field}\": expected one value, found a list")
        : (string?)value;

    /// <summary>Names the cell of a field.</summary>
    /// <param name="row">The row.</param>
    /// <param name="field">One of the fields above.</param>
    public string At(TableRow row, string field) => row.At(Column(field));

    /// <summary>The first column of a field.</summary>
    /// <param name="field">One of the fields above.</param>
    public string Column(string field) => _columns.TryGetValue(field, out var columns) ? columns[0] : field;

    private static void Check(TableRow row, IReadOnlyList<string> columns, IReadOnlyList<object?> values)
    {
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] is CellError error)
                throw new InputException(
                    $"{row.At(columns[i])}: \"{columns[i]}\": expected a value, found the error {error.Code} of a formula; "
                    + "mend it in the workbook, or empty the cell");
        }
    }

    private static string[] Split(string field, string columns) => field is Input or Choices ? columns.Split('+') : [columns];
}
