using System.Collections;
using System.Globalization;
using DistillOnnx.Core;
using Parquet;
using Parquet.Schema;
using Parquet.Serialization;

namespace DistillOnnx.Toolchain.Import;

/// <summary>
/// Reads Parquet as a table, one row group in memory at a time. A field within a group becomes a column <c>outer.inner</c>. Where the
/// columns that are imported are plain texts and numbers, only these are read.
/// </summary>
internal static class ParquetTable
{
    /// <summary>The names of a file's columns.</summary>
    /// <param name="file">The file.</param>
    public static IReadOnlyList<string> Columns(string file) => Try(file, () => Open(file, reader => Task.FromResult(
        reader.Schema.Fields.SelectMany(f => Names(f)).ToList())));

    /// <summary>Reads a file's rows.</summary>
    /// <param name="file">The file.</param>
    /// <param name="needed">Whether a column is imported.</param>
    public static IEnumerable<TableRow> Read(string file, Func<string, bool> needed)
    {
        var row = 0L;
        var (groups, plain) = Try(file, () => Open(file, reader => Task.FromResult((reader.RowGroupCount, IsPlain(reader, needed)))));
        for (var group = 0; group < groups; group++)
        {
            var index = group;
            var stores = new List<IDisposable>();
            try
            {
                var rows = plain
                    ? Try(file, () => Open(file, reader => PlainGroup(reader, index, needed, stores)))
                    : Try(file, () => Group(file, index)).Select(Values);
                foreach (var values in rows) yield return new TableRow(file, ++row, values);
            }
            finally
            {
                foreach (var store in stores) store.Dispose();
            }
        }
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

    /// <summary>Runs an action on an opened file.</summary>
    internal static T Open<T>(string file, Func<ParquetReader, Task<T>> action)
    {
        using var stream = File.OpenRead(file);
        return Run().GetAwaiter().GetResult();

        async Task<T> Run()
        {
            await using var reader = await ParquetReader.CreateAsync(stream);
            return await action(reader);
        }
    }

    private static IEnumerable<string> Names(Field field, string prefix = "") => field is StructField parent
        ? parent.Fields.SelectMany(f => Names(f, $"{prefix}{field.Name}."))
        : [prefix + field.Name];

    // Lists, and fields within others, are put together by the package's own reader, which reads all columns.
    private static bool IsPlain(ParquetReader reader, Func<string, bool> needed) => reader.Schema.Fields
        .Where(f => Names(f).Any(needed))
        .All(f => f is DataField { IsArray: false } plain && PlainColumn.Reads(plain.ClrType));

    private static async Task<IEnumerable<Dictionary<string, object?>>> PlainGroup(
        ParquetReader reader, int index, Func<string, bool> needed, List<IDisposable> stores)
    {
        using var group = reader.OpenRowGroupReader(index);
        // A row has the names of the columns that are not imported, too, for messages.
        var columns = reader.Schema.Fields.SelectMany(f => Names(f)).ToDictionary(n => n, _ => (Func<int, string?>?)null);
        foreach (var field in reader.Schema.Fields.OfType<DataField>().Where(f => needed(f.Name)))
        {
            columns[field.Name] = await PlainColumn.ReadAsync(group, field, stores);
            // A stored column is garbage by now, as large as the next one will be.
            if (stores.Count > 0) GC.Collect();
        }

        return Rows(columns, (int)group.RowCount);
    }

    private static IEnumerable<Dictionary<string, object?>> Rows(Dictionary<string, Func<int, string?>?> columns, int count)
    {
        for (var row = 0; row < count; row++)
        {
            var values = new Dictionary<string, object?>(columns.Count, StringComparer.Ordinal);
            foreach (var (name, value) in columns) values[name] = value?.Invoke(row);
            yield return values;
        }
    }

    private static IList<Dictionary<string, object>> Group(string file, int group)
    {
        using var stream = File.OpenRead(file);
        return ParquetSerializer.DeserializeUntypedAsync(stream, rowGroupIndex: group).GetAwaiter().GetResult().Data;
    }

    private static Dictionary<string, object?> Values(IDictionary record)
    {
        var values = new Dictionary<string, object?>(StringComparer.Ordinal);
        Add(values, "", record);
        return values;
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
