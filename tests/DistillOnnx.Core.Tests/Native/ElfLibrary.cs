using System.Buffers.Binary;
using System.Text;

namespace DistillOnnx.Core.Tests.Native;

/// <summary>The bytes of an ELF library that has nothing but a list of what it needs.</summary>
internal static class ElfLibrary
{
    private const int Headers = 64;
    private const int Sections = Headers + 2 * 56;

    /// <summary>Where in memory the file's first byte would lie: not 0, so that addresses and offsets differ.</summary>
    private const long Base = 0x40_0000;

    public static byte[] Needing(params string[] names)
    {
        var strings = "\0" + string.Concat(names.Select(n => n + "\0"));
        var dynamic = (names.Length + 2) * 16;
        var bytes = new byte[Sections + dynamic + strings.Length];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(bytes);
        Write(32, Headers);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(54), 56);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(56), 2);
        Segment(Headers, type: 1, offset: 0, bytes.Length);
        Segment(Headers + 56, type: 2, Sections, dynamic);

        var name = 1;
        for (var i = 0; i < names.Length; i++)
        {
            Write(Sections + 16 * i, 1);
            Write(Sections + 16 * i + 8, name);
            name += names[i].Length + 1;
        }

        Write(Sections + 16 * names.Length, 5);
        Write(Sections + 16 * names.Length + 8, Base + Sections + dynamic);
        Encoding.ASCII.GetBytes(strings).CopyTo(bytes, Sections + dynamic);
        return bytes;

        void Write(int offset, long value) => BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(offset), value);

        void Segment(int header, int type, long offset, long size)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(header), type);
            Write(header + 8, offset);
            Write(header + 16, Base + offset);
            Write(header + 32, size);
        }
    }
}
