using System.Text;
using System.Text.Unicode;
using CsvHelper;
using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>
/// Reads delimited text (RFC 4180) with a header line as a table. Rows are numbered as a spreadsheet numbers them: the header
/// is row 1, and a line end within quotes begins no row.
/// </summary>
internal static class CsvTable
{
    /// <summary>Reads a file's rows.</summary>
    /// <param name="file">The file.</param>
    /// <param name="delimiter">What separates its columns; null: found out from the first lines, and a tab in a file
    /// named <c>.tsv</c>.</param>
    /// <param name="encoding">Its encoding.</param>
    /// <param name="headerRow">The row that names the columns, from 1.</param>
    public static IEnumerable<TableRow> Read(string file, char? delimiter, Encoding encoding, int headerRow)
    {
        var faults = new Dictionary<long, CsvMalformedReason>();
        var options = new CsvReaderOptions
        {
            Separator = delimiter ?? (Path.GetExtension(file).Equals(".tsv", StringComparison.OrdinalIgnoreCase) ? '\t' : null),
            MalformedData = CsvMalformedDataHandling.Recover,
            FieldCountMismatch = CsvFieldCountHandling.Allow,
            OnMalformedRecord = r => faults[r.RecordNumber] = r.Reason,
            SkipEmptyLines = false,
            MaxRecordSize = JsonLines.MaxLineBytes,
        };
        using var stream = Try(file, () => TextEncodings.OpenUtf8(file, encoding));
        using var csv = Try(file, () => CsvReader.Create(stream, options));
        var header = TableHeader.Of(file, headerRow, Try(file, () => Header(csv, file, headerRow)));
        var names = TableHeader.Comparer(header);
        var number = (long)headerRow;

        while (Try(file, csv.Read))
        {
            number++;
            if (csv.FieldCount <= 1 && csv.RawRecord.IsEmpty) continue;
            if (Fault(csv, header.Length, faults.Remove(number, out var reason) ? reason : null) is { } fault)
            {
                yield return TableRow.Faulty(file, number, fault);
                continue;
            }

            var values = new Dictionary<string, object?>(header.Length, names);
            for (var i = 0; i < header.Length; i++) values[header[i]] = csv.IsEmpty(i) ? null : csv.GetString(i);
            yield return new TableRow(file, number, values, header);
        }
    }

    private static IReadOnlyList<string> Header(CsvReader csv, string file, int row)
    {
        csv.ReadHeader();
        if (row == 1) return csv.Headers.ToArray();
        for (var above = 1; above < row; above++)
        {
            if (!csv.Read()) throw TableHeader.Empty(file, row);
        }

        return [.. Enumerable.Range(0, csv.FieldCount).Select(csv.GetString)];
    }

    private static string? Fault(CsvReader csv, int columns, CsvMalformedReason? reason)
    {
        if (!Utf8.IsValid(csv.RawRecord)) return "expected UTF-8 text, found bytes that are not; --encoding names another encoding";
        return reason switch
        {
            CsvMalformedReason.UnterminatedQuote => "expected CSV, found a quote that is never closed",
            CsvMalformedReason.StrayQuote => "expected CSV, found a quote within a cell that has none around it",
            CsvMalformedReason.TextAfterClosingQuote => "expected CSV, found text behind a closing quote",
            not null => $"expected CSV, found a fault: {reason}",
            null => HasColumns(csv, columns) ? null : $"expected CSV with {columns} columns as in the header, found {csv.FieldCount}",
        };
    }

    // Blank cells behind the last column are what spreadsheets leave where a column was emptied.
    private static bool HasColumns(CsvReader csv, int columns)
    {
        if (csv.FieldCount < columns) return false;
        for (var i = columns; i < csv.FieldCount; i++)
        {
            if (!csv.IsEmpty(i)) return false;
        }

        return true;
    }

    private static T Try<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CsvFormatException or InvalidDataException)
        {
            throw new InputException($"{file}: expected CSV, found a fault: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (DecoderFallbackException e)
        {
            throw new InputException($"{file}: found bytes that the encoding does not have: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }
}
