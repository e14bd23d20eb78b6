using System.Globalization;
using DistillOnnx.Core;
using MiniExcelLibs;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Reads a sheet of an Excel workbook as a table, row by row; its first row is the header. A formula's cell is
/// its stored value.</summary>
internal static class XlsxTable
{
    /// <summary>The workbook's sheets.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="InputException">The file is no workbook.</exception>
    public static IReadOnlyList<string> Sheets(string file) => Try(file, () => MiniExcel.GetSheetNames(file));

    /// <summary>Reads a sheet's rows.</summary>
    /// <param name="file">The file.</param>
    /// <param name="sheet">The sheet; null: the first one.</param>
    public static IEnumerable<TableRow> Read(string file, string? sheet)
    {
        using var rows = Try(
            file,
            () => MiniExcel.Query(file, useHeaderRow: false, sheetName: sheet, excelType: ExcelType.XLSX)
                .Cast<IDictionary<string, object?>>()
                .GetEnumerator());
        string[]? header = null;
        for (var number = 1L; Try(file, rows.MoveNext); number++)
        {
            var cells = rows.Current.Values.Select(Text).ToArray();
            if (header is null)
            {
                header = [.. cells.Select(c => c ?? "")];
                if (header.All(string.IsNullOrWhiteSpace))
                    throw new InputException($"{file}: row 1: expected a header, found an empty row");
                if (header.GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Key.Length > 0 && g.Count() > 1) is { } twice)
                    throw new InputException($"{file}: row 1: column \"{twice.Key}\" occurs twice");
                continue;
            }

            if (cells.All(string.IsNullOrEmpty)) continue;
            var values = new Dictionary<string, object?>(StringComparer.Ordinal);
            for (var i = 0; i < header.Length; i++) values[header[i]] = i < cells.Length && cells[i] is { Length: > 0 } text ? text : null;
            yield return new TableRow(file, number, values, header);
        }

        if (header is null) throw new InputException($"{file}: expected a header in row 1, found an empty sheet");
    }

    private static string? Text(object? value) => value switch
    {
        null => null,
        string text => text,
        bool truth => truth ? "true" : "false",
        DateTime date =>
            date.ToString(date.TimeOfDay == TimeSpan.Zero ? "yyyy-MM-dd" : "yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    // On a damaged file the reader throws exceptions of many types.
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
