namespace DistillOnnx.Toolchain.Import;

/// <summary>A row of a table before it is known which of its columns mean what.</summary>
/// <param name="File">Its file.</param>
/// <param name="Number">Its number in the file from 1; in a spreadsheet's or CSV's the header is row 1.</param>
/// <param name="Values">Column to value: a <see cref="string"/> (numbers and truth values as text), a list of strings, a
/// <see cref="Excel.CellError"/>, or null.</param>
/// <param name="Columns">The columns in a spreadsheet's order; null where the format has no such order.</param>
/// <param name="Fault">Why the row could not be read; null where it could.</param>
internal readonly record struct TableRow(
    string File,
    long Number,
    IReadOnlyDictionary<string, object?> Values,
    IReadOnlyList<string>? Columns = null,
    string? Fault = null)
{
    private static readonly Dictionary<string, object?> None = [];

    /// <summary>Names the row in messages: its file and row.</summary>
    public string Where => $"{File}: row {Number}";

    /// <summary>A row that could not be read.</summary>
    public static TableRow Faulty(string file, long number, string fault) => new(file, number, None, null, fault);

    /// <summary>Names a cell as a spreadsheet does, by the letters of its column.</summary>
    /// <param name="column">The column.</param>
    public string At(string column)
    {
        var exact = Place(column, StringComparison.Ordinal);
        var index = exact >= 0 ? exact : Place(column, StringComparison.OrdinalIgnoreCase);
        return index < 0 ? Where : $"{Where}, column {Letters(index)}";
    }

    private int Place(string column, StringComparison comparison)
    {
        for (var i = 0; i < Columns?.Count; i++)
        {
            if (Columns[i].Equals(column, comparison)) return i;
        }

        return -1;
    }

    private static string Letters(int index) => (index < 26 ? "" : Letters(index / 26 - 1)) + (char)('A' + index % 26);
}
