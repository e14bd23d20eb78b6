using System.Text;
using System.Text.Unicode;
using CsvHelper;
using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Reads CSV (RFC 4180) with a header line as a table; a file named <c>.tsv</c> is separated by tabs. Rows are numbered by the line they begin on, as an editor shows them.</summary>
internal static class CsvTable
{
    /// <summary>Reads a file's rows.</summary>
    /// <param name="file">The file.</param>
    public static IEnumerable<TableRow> Read(string file)
    {
        var options = new CsvReaderOptions
        {
            Separator = Path.GetExtension(file).Equals(".tsv", StringComparison.OrdinalIgnoreCase) ? '\t' : ',',
            MalformedData = CsvMalformedDataHandling.Throw,
            FieldCountMismatch = CsvFieldCountHandling.Throw,
            MaxRecordSize = JsonLines.MaxLineBytes,
            TrackLineNumbers = true,
            Encoding = Encoding.UTF8,
        };
        using var csv = Try(file, () => CsvReader.FromFile(file, options));
        Try(file, () =>
        {
            csv.ReadHeader();
            return true;
        });
        var header = csv.Headers.ToArray();
        if (header.Length == 0) throw new InputException($"{file}: expected a header line, found an empty file");
        if (header.GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InputException($"{file}: row 1: column \"{twice.Key}\" stands twice");

        while (Try(file, csv.Read))
        {
            var where = $"{file}: row {csv.LineNumber}";
            if (!Utf8.IsValid(csv.RawRecord)) throw new InputException($"{where}: expected UTF-8 text, found bytes that are not");
            var values = new Dictionary<string, object?>(header.Length, StringComparer.Ordinal);
            for (var i = 0; i < header.Length; i++) values[header[i]] = csv.IsEmpty(i) ? null : csv.GetString(i);
            yield return new TableRow(where, values);
        }
    }

    private static T Try<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CsvFormatException e)
        {
            var row = e.LineNumber > 0 ? $": row {e.LineNumber}" : "";
            throw new InputException($"{file}{row}: expected CSV as RFC 4180 has it, found a fault: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }
}
