using System.Runtime.InteropServices;

namespace DistillOnnx.Export.Onnx;

/// <summary>
/// A constant tensor of a graph. Large ones are not held: they are made when they are written, one at a time, so that an
/// export needs little more memory than its largest tensor.
/// </summary>
internal sealed class TensorData
{
    private readonly Action<Stream> _write;

    /// <summary>A tensor that is made when it is written.</summary>
    /// <param name="type">Element type.</param>
    /// <param name="dims">Shape, slowest first.</param>
    /// <param name="write">Writes exactly <see cref="ByteCount"/> bytes, little-endian and row-major.</param>
    public TensorData(ElementType type, IReadOnlyList<long> dims, Action<Stream> write)
    {
        Type = type;
        Dims = dims;
        _write = write;
        ByteCount = dims.Aggregate((long)SizeOf(type), (count, dim) => checked(count * dim));
    }

    /// <summary>Element type.</summary>
    public ElementType Type { get; }

    /// <summary>Shape, slowest first.</summary>
    public IReadOnlyList<long> Dims { get; }

    /// <summary>Bytes of all elements.</summary>
    public long ByteCount { get; }

    /// <summary>A tensor whose values are at hand.</summary>
    /// <param name="dims">Shape.</param>
    /// <param name="values">Its elements, row-major.</param>
    public static TensorData Of<T>(IReadOnlyList<long> dims, T[] values)
        where T : unmanaged
    {
        var data = new TensorData(TypeOf<T>(), dims, stream => Write<T>(stream, values));
        return data.ByteCount == MemoryMarshal.AsBytes(values.AsSpan()).Length
            ? data
            : throw new ArgumentException($"shape [{string.Join(", ", dims)}] does not hold {values.Length} values", nameof(values));
    }

    /// <summary>Writes values in runs: as bytes, those of a large embedding are more than one span can cover.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="values">The values.</param>
    public static void Write<T>(Stream stream, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        const int run = 1 << 24;
        for (; values.Length > run; values = values[run..]) stream.Write(MemoryMarshal.AsBytes(values[..run]));
        stream.Write(MemoryMarshal.AsBytes(values));
    }

    /// <summary>Writes the values.</summary>
    /// <param name="stream">Receives <see cref="ByteCount"/> bytes.</param>
    public void Write(Stream stream) => _write(stream);

    private static int SizeOf(ElementType type) => type switch
    {
        ElementType.Int64 => 8,
        ElementType.Float or ElementType.Int32 => 4,
        ElementType.Float16 => 2,
        _ => 1,
    };

    private static ElementType TypeOf<T>() => default(T) switch
    {
        float => ElementType.Float,
        long => ElementType.Int64,
        int => ElementType.Int32,
        byte => ElementType.UInt8,
        sbyte => ElementType.Int8,
        bool => ElementType.Bool,
        Half => ElementType.Float16,
        _ => throw new ArgumentException($"no ONNX element type for {typeof(T).Name}"),
    };
}
