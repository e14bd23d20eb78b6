using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using DistillOnnx.Core;
using DistillOnnx.Core.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Reads CSV (RFC 4180) with a header line as a table; a file named <c>.tsv</c> is separated by tabs.</summary>
internal static class CsvTable
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file's rows. Rows are numbered by the line they begin on, as an editor shows them.</summary>
    /// <param name="file">The file.</param>
    public static IEnumerable<TableRow> Read(string file)
    {
        var bad = false;
        var configuration = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = Path.GetExtension(file).Equals(".tsv", StringComparison.OrdinalIgnoreCase) ? "\t" : ",",
            Mode = CsvMode.RFC4180,
            MaxFieldSize = JsonLines.MaxLineBytes,
            IgnoreBlankLines = true,
            BadDataFound = _ => bad = true,
        };
        using var reader = Open(file);
        using var csv = new CsvParser(reader, configuration);
        var header = Next(csv, file);
        if (header is null) throw new InputException($"{file}: expected a header line, found an empty file");
        if (header.GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InputException($"{file}: row 1: column \"{twice.Key}\" stands twice");

        var begin = csv.RawRow + 1;
        while (Next(csv, file) is { } record)
        {
            var where = $"{file}: row {begin}";
            begin = csv.RawRow + 1;
            if (bad || IsOpen(csv.RawRecord)) throw new InputException($"{where}: expected quoted fields as RFC 4180 has them, found a quote that is not closed or not doubled");
            if (record.Length != header.Length) throw new InputException($"{where}: expected {header.Length} fields, found {record.Length}");
            var values = new Dictionary<string, object?>(header.Length, StringComparer.Ordinal);
            for (var i = 0; i < header.Length; i++) values[header[i]] = record[i].Length == 0 ? null : record[i];
            yield return new TableRow(where, values);
        }
    }

    // Within a record that ended, quotes come in pairs, doubled ones included.
    private static bool IsOpen(string record) => record.AsSpan().Count('"') % 2 != 0;

    private static string[]? Next(CsvParser csv, string file)
    {
        try
        {
            return csv.Read() ? csv.Record : null;
        }
        catch (DecoderFallbackException e)
        {
            throw new InputException($"{file}: row {csv.RawRow + 1} or after: expected UTF-8 text, found bytes that are not", e);
        }
        catch (CsvHelperException e)
        {
            throw new InputException($"{file}: row {csv.RawRow + 1}: expected CSV, found a row that is not: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (IOException e)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }

    private static StreamReader Open(string file)
    {
        try
        {
            return new StreamReader(file, Strict, detectEncodingFromByteOrderMarks: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }
}
