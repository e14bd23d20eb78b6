using System.Buffers.Binary;
using System.Text;

namespace DistillOnnx.Core.Tests.Checkpoints;

/// <summary>Writes pickles instruction by instruction, sound ones and others.</summary>
internal sealed class PickleBuilder
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public PickleBuilder Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public PickleBuilder Op(char code) => Raw((byte)code);

    public PickleBuilder Protocol(byte version = 2) => Raw(0x80, version);

    public PickleBuilder Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return Op('X').Raw(BitConverter.GetBytes(utf8.Length)).Raw(utf8);
    }

    public PickleBuilder Int(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return value is >= int.MinValue and <= int.MaxValue ? Op('J').Raw(bytes[..4]) : Raw(0x8A, 8).Raw(bytes);
    }

    public PickleBuilder Global(string module, string name) => Op('c').Raw(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));

    public PickleBuilder Tuple(IEnumerable<long> values)
    {
        Op('(');
        foreach (var value in values) Int(value);
        return Op('t');
    }

    public PickleBuilder OrderedDictionary() => Global("collections", "OrderedDict").Op(')').Op('R');

    public PickleBuilder Storage(string key, long count, string type = "FloatStorage", bool legacy = false)
    {
        Op('(').Text("storage").Global("torch", type).Text(key).Text("cpu").Int(count);
        if (legacy) Op('N');
        return Op('t').Op('Q');
    }

    public PickleBuilder Tensor(
        string key, long count, long offset, IReadOnlyList<long> shape, IReadOnlyList<long> strides, string type = "FloatStorage",
        bool legacy = false) =>
        Global("torch._utils", "_rebuild_tensor_v2").Op('(').Storage(key, count, type, legacy).Int(offset).Tuple(shape).Tuple(strides)
            .Op('\x89').OrderedDictionary().Op('t').Op('R');

    public static long[] RowMajor(IReadOnlyList<long> shape)
    {
        var strides = new long[shape.Count];
        var step = 1L;
        for (var i = strides.Length - 1; i >= 0; i--)
        {
            strides[i] = step;
            step *= shape[i];
        }

        return strides;
    }
}
