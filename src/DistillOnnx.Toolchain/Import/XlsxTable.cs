using DistillOnnx.Core;
using DistillOnnx.Toolchain.Import.Excel;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Reads a sheet of an Excel workbook as a table, row by row. A formula's cell is its stored value.</summary>
internal static class XlsxTable
{
    /// <summary>The workbook's sheets.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="InputException">The file is no workbook.</exception>
    public static IReadOnlyList<string> Sheets(string file) => Try(file, () =>
    {
        using var workbook = Workbook.Open(file);
        return workbook.Sheets;
    });

    /// <summary>Reads a sheet's rows.</summary>
    /// <param name="file">The file.</param>
    /// <param name="sheet">The sheet; null: the first one.</param>
    /// <param name="headerRow">The row that names the columns, from 1.</param>
    public static IEnumerable<TableRow> Read(string file, string? sheet, int headerRow)
    {
        using var workbook = Try(file, () => Workbook.Open(file));
        using var rows = workbook.Rows(sheet).GetEnumerator();
        string[]? header = null;
        var names = StringComparer.Ordinal;
        while (Try(file, rows.MoveNext))
        {
            var (number, cells) = rows.Current;
            if (number < headerRow) continue;
            if (header is null)
            {
                if (number == headerRow) header = TableHeader.Of(file, headerRow, cells.Select(c => (c as CellError)?.Code ?? (string?)c));
                else throw TableHeader.Empty(file, headerRow);
                names = TableHeader.Comparer(header);
                continue;
            }

            if (cells.All(c => c is null or "")) continue;
            var values = new Dictionary<string, object?>(header.Length, names);
            for (var i = 0; i < header.Length; i++) values[header[i]] = i < cells.Count && cells[i] is not "" ? cells[i] : null;
            yield return new TableRow(file, number, values, header);
        }

        if (header is null) throw TableHeader.Empty(file, headerRow);
    }

    // On a damaged file the readers of archives and XML throw exceptions of many types.
    private static T Try<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (OutOfMemoryException or InputException))
        {
            throw new InputException(
                $"{file}: expected an Excel workbook (.xlsx), found one that cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
