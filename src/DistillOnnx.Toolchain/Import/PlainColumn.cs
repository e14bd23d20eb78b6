using System.Globalization;
using Parquet;
using Parquet.Schema;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Reads a column of texts, numbers or truth values of one Parquet row group.</summary>
internal static class PlainColumn
{
    private const int RowsInMemory = 50_000;

    private static readonly Dictionary<Type, Read> Readers = new()
    {
        [typeof(string)] = ReadTextAsync,
        [typeof(bool)] = (group, field, _) => ReadAsync<bool>(group, field, b => b ? "true" : "false"),
        [typeof(sbyte)] = Number<sbyte>,
        [typeof(byte)] = Number<byte>,
        [typeof(short)] = Number<short>,
        [typeof(ushort)] = Number<ushort>,
        [typeof(int)] = Number<int>,
        [typeof(uint)] = Number<uint>,
        [typeof(long)] = Number<long>,
        [typeof(ulong)] = Number<ulong>,
        [typeof(float)] = Number<float>,
        [typeof(double)] = Number<double>,
    };

    private delegate Task<Func<int, string?>> Read(ParquetRowGroupReader group, DataField field, List<IDisposable> stores);

    /// <summary>Whether columns of a type are read.</summary>
    public static bool Reads(Type type) => Readers.ContainsKey(type);

    /// <summary>Reads a column and returns its values by row, as texts.</summary>
    /// <param name="group">The row group.</param>
    /// <param name="field">The column.</param>
    /// <param name="stores">Gets what has to be disposed of when the rows have been read.</param>
    public static Task<Func<int, string?>> ReadAsync(ParquetRowGroupReader group, DataField field, List<IDisposable> stores) =>
        Readers[field.ClrType](group, field, stores);

    private static async Task<Func<int, string?>> ReadTextAsync(ParquetRowGroupReader group, DataField field, List<IDisposable> stores)
    {
        var values = new string?[group.RowCount];
        await group.ReadAsync(field, values.AsMemory());
        return values.Length <= RowsInMemory ? Kept(values) : Stored(values, stores);
    }

    private static Func<int, string?> Kept(string?[] values) => row => values[row];

    // A tool that writes all rows as one group makes a column of any size: then only one of them is in memory at a time. A method of its
    // own, so that what it returns does not hold the values.
    private static Func<int, string?> Stored(string?[] values, List<IDisposable> stores)
    {
        var store = new TextStore();
        stores.Add(store);
        foreach (var value in values) store.Add(value);
        store.Complete();
        return row => store[row];
    }

    private static Task<Func<int, string?>> Number<T>(ParquetRowGroupReader group, DataField field, List<IDisposable> stores)
        where T : struct, IFormattable => ReadAsync<T>(group, field, v => v.ToString(null, CultureInfo.InvariantCulture));

    private static async Task<Func<int, string?>> ReadAsync<T>(ParquetRowGroupReader group, DataField field, Func<T, string> text)
        where T : struct
    {
        if (!field.IsNullable)
        {
            var all = new T[group.RowCount];
            await group.ReadAsync(field, all.AsMemory());
            return row => text(all[row]);
        }

        var values = new T?[group.RowCount];
        await group.ReadAsync(field, values.AsMemory());
        return row => values[row] is { } value ? text(value) : null;
    }
}
