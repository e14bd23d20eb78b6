using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace DistillOnnx.Core.Native;

/// <summary>
/// Reads which libraries an ELF library links to (<c>DT_NEEDED</c>). Only the parts that say so are read: libtorch's CUDA library
/// is larger than an array may be.
/// </summary>
internal static class ElfNeeds
{
    private const int ProgramLoad = 1;
    private const int ProgramDynamic = 2;
    private const long DynamicNeeded = 1;
    private const long DynamicStringTable = 5;
    private const int LongestDynamicSection = 1 << 16;
    private const int LongestName = 256;

    /// <summary>The names of the libraries that a library links to, in its own order.</summary>
    /// <param name="path">A 64-bit little-endian ELF library.</param>
    /// <exception cref="InvalidDataException">The file is not such a library.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyList<string> Read(string path)
    {
        using var file = File.OpenHandle(path);
        var header = Read(file, path, 0, 64);
        if (!header.AsSpan().StartsWith("\u007fELF\u0002\u0001"u8))
            throw new InvalidDataException($"{path}: not a 64-bit little-endian ELF library");
        int entrySize = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(54));
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(56));
        if (entrySize < 56) throw new InvalidDataException($"{path}: program headers of {entrySize} bytes");
        var table = Read(file, path, Int64(header, 32), entrySize * count);

        var segments = new List<(long Offset, long Address, long Size)>();
        byte[] section = [];
        for (var entry = 0; entry < table.Length; entry += entrySize)
        {
            var (offset, address, size) = (Int64(table, entry + 8), Int64(table, entry + 16), Int64(table, entry + 32));
            switch (BinaryPrimitives.ReadInt32LittleEndian(table.AsSpan(entry)))
            {
                case ProgramLoad: segments.Add((offset, address, size)); break;
                case ProgramDynamic when size is >= 0 and <= LongestDynamicSection: section = Read(file, path, offset, (int)size); break;
                case ProgramDynamic: throw new InvalidDataException($"{path}: a dynamic section of {size} bytes");
            }
        }

        var needed = new List<long>();
        long strings = -1;
        for (var entry = 0; entry + 16 <= section.Length; entry += 16)
        {
            var value = Int64(section, entry + 8);
            switch (Int64(section, entry))
            {
                case DynamicNeeded: needed.Add(value); break;
                case DynamicStringTable: strings = FileOffset(segments, value, path); break;
            }
        }

        return [.. needed.Select(name => Name(file, path, strings + name))];
    }

    private static string Name(SafeFileHandle file, string path, long offset)
    {
        var bytes = new byte[LongestName];
        var length = offset < 0 ? 0 : RandomAccess.Read(file, bytes, offset);
        var end = Array.IndexOf(bytes, (byte)0, 0, length);
        return end > 0
            ? Encoding.UTF8.GetString(bytes, 0, end)
            : throw new InvalidDataException($"{path}: the name of a needed library cannot be read");
    }

    /// <summary>The string table's place is given as it lies in memory; the file has it at its segment's offset.</summary>
    private static long FileOffset(List<(long Offset, long Address, long Size)> segments, long address, string path)
    {
        foreach (var (offset, start, size) in segments)
        {
            if (address >= start && address < start + size) return address - start + offset;
        }

        throw new InvalidDataException($"{path}: the string table lies in no segment");
    }

    private static byte[] Read(SafeFileHandle file, string path, long offset, int length)
    {
        var bytes = new byte[length];
        for (var done = 0; done < length;)
        {
            var read = offset < 0 ? 0 : RandomAccess.Read(file, bytes.AsSpan(done), offset + done);
            if (read == 0) throw new InvalidDataException($"{path}: not a whole ELF library");
            done += read;
        }

        return bytes;
    }

    private static long Int64(byte[] bytes, int offset) => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(offset));
}
