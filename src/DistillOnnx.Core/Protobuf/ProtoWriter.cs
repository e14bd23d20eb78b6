using System.Buffers.Binary;
using System.Text;

namespace DistillOnnx.Core.Protobuf;

/// <summary>Writes protobuf's wire format.</summary>
internal sealed class ProtoWriter
{
    private readonly MemoryStream _stream = new();

    /// <summary>Writes an integer, a boolean or an enum; negative ones take ten bytes, as protobuf asks.</summary>
    public ProtoWriter Varint(int field, long value)
    {
        Tag(field, WireType.Varint);
        Raw(unchecked((ulong)value));
        return this;
    }

    /// <summary>Writes a 32-bit float.</summary>
    public ProtoWriter Float(int field, float value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        Tag(field, WireType.Fixed32);
        _stream.Write(bytes);
        return this;
    }

    /// <summary>Writes bytes or a nested message.</summary>
    public ProtoWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, WireType.Bytes);
        Raw((ulong)value.Length);
        _stream.Write(value);
        return this;
    }

    /// <summary>Writes a string.</summary>
    public ProtoWriter Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Writes fields that are laid out already.</summary>
    public ProtoWriter Verbatim(ReadOnlySpan<byte> fields)
    {
        _stream.Write(fields);
        return this;
    }

    /// <summary>Bytes written.</summary>
    public long Length => _stream.Length;

    /// <summary>What was written.</summary>
    public byte[] ToArray() => _stream.ToArray();

    private void Tag(int field, WireType wire) => Raw(((ulong)field << 3) | (uint)wire);

    private void Raw(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _stream.WriteByte((byte)(value | 0x80));
        _stream.WriteByte((byte)value);
    }
}
