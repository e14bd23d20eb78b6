using System.Collections;
using System.Globalization;
using DistillOnnx.Core;
using Parquet;
using Parquet.Serialization;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Reads Parquet as a table, one row group in memory at a time. A field within a group becomes a column
/// <c>outer.inner</c>.</summary>
internal static class ParquetTable
{
    /// <summary>Reads a file's rows.</summary>
    /// <param name="file">The file.</param>
    public static IEnumerable<TableRow> Read(string file)
    {
        var row = 0L;
        var groups = Try(file, () => Groups(file));
        for (var group = 0; group < groups; group++)
        {
            var index = group;
            foreach (var record in Try(file, () => Group(file, index)))
            {
                row++;
                var values = new Dictionary<string, object?>(StringComparer.Ordinal);
                Add(values, "", record);
                yield return new TableRow(file, row, values);
            }
        }
    }

    private static int Groups(string file)
    {
        using var stream = File.OpenRead(file);
        var reader = ParquetReader.CreateAsync(stream).GetAwaiter().GetResult();
        try
        {
            return reader.RowGroupCount;
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static IList<Dictionary<string, object>> Group(string file, int group)
    {
        using var stream = File.OpenRead(file);
        return ParquetSerializer.DeserializeUntypedAsync(stream, rowGroupIndex: group).GetAwaiter().GetResult().Data;
    }

    // On a damaged file the reader throws exceptions of many types.
    internal static T Try<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (OutOfMemoryException or InputException))
        {
            throw new InputException(
                $"{file}: expected a Parquet file, found one that cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static void Add(Dictionary<string, object?> values, string prefix, IDictionary record)
    {
        foreach (DictionaryEntry field in record)
        {
            var name = prefix + field.Key;
            switch (field.Value)
            {
                case IDictionary inner: Add(values, name + ".", inner); break;
                case string text: values[name] = text; break;
                case byte[] bytes: values[name] = Convert.ToHexStringLower(bytes); break;
                case IEnumerable list: values[name] = list.Cast<object?>().Select(Text).ToList(); break;
                default: values[name] = Text(field.Value); break;
            }
        }
    }

    private static string? Text(object? value) => value switch
    {
        null => null,
        bool truth => truth ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}
