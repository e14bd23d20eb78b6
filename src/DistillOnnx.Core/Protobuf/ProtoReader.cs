using System.Buffers.Binary;
using System.Text;

namespace DistillOnnx.Core.Protobuf;

/// <summary>
/// Reads protobuf's wire format, strictly: a length that leaves the message, a varint beyond ten bytes, a group or a field
/// number of zero ends the reading with an <see cref="InputException"/>. Nothing is allocated for what a length merely claims.
/// </summary>
internal ref struct ProtoReader
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly string _source;
    private readonly string _expected;
    private readonly int _origin;
    private int _position;

    /// <summary>Starts at the beginning of a message.</summary>
    /// <param name="data">The message.</param>
    /// <param name="source">The file, for messages.</param>
    /// <param name="expected">What the file should be, for messages.</param>
    /// <param name="origin">Where the message begins in the file, for messages.</param>
    public ProtoReader(ReadOnlySpan<byte> data, string source, string expected, int origin = 0)
    {
        _data = data;
        _source = source;
        _expected = expected;
        _origin = origin;
    }

    /// <summary>Number of the field read last.</summary>
    public int Field { get; private set; }

    /// <summary>Wire type of the field read last.</summary>
    public WireType Wire { get; private set; }

    /// <summary>Where the next byte stands in the file.</summary>
    public readonly int Offset => _origin + _position;

    /// <summary>Whether nothing is left.</summary>
    public readonly bool AtEnd => _position == _data.Length;

    /// <summary>Moves to the next field; false at the end of the message.</summary>
    public bool Next()
    {
        if (AtEnd) return false;
        var tag = ReadRaw();
        Wire = (WireType)(tag & 7);
        if (tag >> 3 is 0 or > int.MaxValue >> 3) throw Fault($"field number {tag >> 3}");
        Field = (int)(tag >> 3);
        return true;
    }

    /// <summary>Reads a varint field's value.</summary>
    public ulong ReadVarint()
    {
        Require(WireType.Varint);
        return ReadRaw();
    }

    /// <summary>Reads an integer without a tag, as they stand in a packed field.</summary>
    public ulong ReadRaw()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (AtEnd) throw Fault("the end of the data within a varint");
            var b = _data[_position++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return value;
        }

        throw Fault("a varint of more than ten bytes");
    }

    /// <summary>Reads a varint field as the 32-bit integer that protobuf sign-extends to ten bytes when negative.</summary>
    public int ReadInt32() => unchecked((int)ReadVarint());

    /// <summary>Reads a boolean field.</summary>
    public bool ReadBool() => ReadVarint() != 0;

    /// <summary>Reads a 32-bit float field.</summary>
    public float ReadFloat()
    {
        Require(WireType.Fixed32);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(4));
    }

    /// <summary>Reads a length-delimited field: bytes, a string or a nested message.</summary>
    /// <param name="offset">Where it begins in the file.</param>
    public ReadOnlySpan<byte> ReadBytes(out int offset)
    {
        Require(WireType.Bytes);
        var length = ReadRaw();
        if (length > (ulong)(_data.Length - _position)) throw Fault($"a field of {length} bytes where {_data.Length - _position} are left");
        offset = Offset;
        return Take((int)length);
    }

    /// <summary>Reads a string field.</summary>
    public string ReadText() => Encoding.UTF8.GetString(ReadBytes(out _));

    /// <summary>Reads a nested message.</summary>
    public ProtoReader ReadNested() => new(ReadBytes(out var at), _source, _expected, at);

    /// <summary>Passes over the field's value.</summary>
    public void Skip()
    {
        switch (Wire)
        {
            case WireType.Varint: ReadRaw(); break;
            case WireType.Fixed64: Take(8); break;
            case WireType.Bytes: ReadBytes(out _); break;
            case WireType.Fixed32: Take(4); break;
            default: throw Fault($"wire type {(int)Wire}");
        }
    }

    private readonly void Require(WireType wire)
    {
        if (Wire != wire) throw Fault($"field {Field} of wire type {(int)Wire}, expected {(int)wire}");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _data.Length - _position) throw Fault($"the end of the data where {count} bytes were expected");
        var taken = _data.Slice(_position, count);
        _position += count;
        return taken;
    }

    private readonly InputException Fault(string found) =>
        new($"{_source}: not {_expected}: found {found} at byte {Offset}");
}
