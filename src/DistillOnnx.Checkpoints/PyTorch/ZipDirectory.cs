using System.Buffers.Binary;
using System.Text;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>
/// The files of a mapped zip archive (APPNOTE 6.3.x, with the 64-bit records), for archives as PyTorch writes them: every file
/// stored, none compressed, so a file is a run of the mapping and an archive cannot hold more than its own size. Files may not
/// share bytes, stand twice or reach beyond the archive.
/// </summary>
internal static class ZipDirectory
{
    private const int EndSize = 22;
    private const int End64Size = 56;
    private const int Locator64Size = 20;
    private const int CentralSize = 46;
    private const int LocalSize = 30;
    private const int MostEntries = 100_000;

    /// <summary>Reads the directory.</summary>
    /// <exception cref="InputException">The archive is cut or malformed, or has files that are compressed or encrypted.</exception>
    public static IReadOnlyDictionary<string, ZipEntry> Read(MappedFile file)
    {
        var (count, position, size) = ReadEnd(file);
        if (count > MostEntries) throw Bad(file, $"expected at most {MostEntries} files in it, found {count}");
        if (position < 0 || size < 0 || position > file.Length - size || size > int.MaxValue)
            throw Bad(file, "its directory lies outside the file");
        var central = file.Slice(position, (int)size);
        var entries = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        for (var i = 0L; i < count; i++)
        {
            var (entry, length) = ReadEntry(file, central, position);
            if (!entries.TryAdd(entry.Name, entry)) throw Bad(file, $"the file \"{InputText.Show(entry.Name)}\" stands twice in it");
            central = central[length..];
        }

        RequireApart(file, entries.Values);
        return entries;
    }

    private static (long Count, long Position, long Size) ReadEnd(MappedFile file)
    {
        var tailLength = (int)Math.Min(file.Length, EndSize + ushort.MaxValue);
        var tail = file.Slice(file.Length - tailLength, tailLength);
        for (var i = tailLength - EndSize; i >= 0; i--)
        {
            var end = tail[i..];
            if (U32(end, 0) != 0x06054B50 || U16(end, 20) != end.Length - EndSize) continue;
            if (U16(end, 4) != U16(end, 6) && U16(end, 4) != ushort.MaxValue) throw Bad(file, "it is one part of several");
            if (U16(end, 8) != ushort.MaxValue && U32(end, 12) != uint.MaxValue && U32(end, 16) != uint.MaxValue)
                return (U16(end, 10), U32(end, 16), U32(end, 12));
            return ReadEnd64(file, file.Length - tailLength + i);
        }

        throw Bad(file, "its directory is missing; the file is cut or not a zip archive");
    }

    private static (long Count, long Position, long Size) ReadEnd64(MappedFile file, long endPosition)
    {
        if (endPosition < Locator64Size) throw Bad(file, "its 64-bit directory is missing");
        var locator = file.Slice(endPosition - Locator64Size, Locator64Size);
        var position = (long)Math.Min(U64(locator, 8), long.MaxValue);
        if (U32(locator, 0) != 0x07064B50 || position > file.Length - End64Size) throw Bad(file, "its 64-bit directory is missing");
        var end = file.Slice(position, End64Size);
        if (U32(end, 0) != 0x06064B50) throw Bad(file, "its 64-bit directory is missing");
        return (
            (long)Math.Min(U64(end, 32), long.MaxValue), (long)Math.Min(U64(end, 48), long.MaxValue),
            (long)Math.Min(U64(end, 40), long.MaxValue));
    }

    private static (ZipEntry Entry, int Length) ReadEntry(MappedFile file, ReadOnlySpan<byte> central, long directory)
    {
        if (central.Length < CentralSize || U32(central, 0) != 0x02014B50) throw Bad(file, "its directory is cut");
        int nameLength = U16(central, 28), extraLength = U16(central, 30), commentLength = U16(central, 32);
        var length = CentralSize + nameLength + extraLength + commentLength;
        if (central.Length < length) throw Bad(file, "its directory is cut");
        var nameBytes = central.Slice(CentralSize, nameLength);
        var name = Encoding.UTF8.GetString(nameBytes);
        var shown = InputText.Show(name);
        if ((U16(central, 8) & 1) != 0) throw Bad(file, $"the file \"{shown}\" in it is encrypted");
        if (U16(central, 10) != 0) throw Bad(file, $"the file \"{shown}\" in it is compressed; expected it stored, as PyTorch does");

        long stored = U32(central, 20), size = U32(central, 24), offset = U32(central, 42);
        ReadExtra64(file, shown, central.Slice(CentralSize + nameLength, extraLength), ref size, ref stored, ref offset);
        if (stored != size) throw Bad(file, $"the file \"{shown}\" in it has two sizes, {size} and {stored}");
        if (offset < 0 || offset > directory - LocalSize) throw Bad(file, $"the file \"{shown}\" in it lies outside the archive");
        var local = file.Slice(offset, LocalSize);
        var start = offset + LocalSize + U16(local, 26) + U16(local, 28);
        if (U32(local, 0) != 0x04034B50 || U16(local, 26) != nameLength
            || !file.Slice(offset + LocalSize, Math.Min(nameLength, (int)Math.Min(int.MaxValue, directory - offset - LocalSize)))
                .SequenceEqual(nameBytes))
            throw Bad(file, $"the file \"{shown}\" is not where its directory says");
        if (size < 0 || start > directory || size > directory - start)
            throw Bad(file, $"the file \"{shown}\" in it lies outside the archive");
        return (new ZipEntry(name, start, size, U32(central, 16)), length);
    }

    // Sizes and offsets of four bytes that do not suffice are all ones, and the real ones follow in this order in an extra field.
    private static void ReadExtra64(
        MappedFile file, string shown, ReadOnlySpan<byte> extra, ref long size, ref long stored, ref long offset)
    {
        while (extra.Length >= 4)
        {
            int id = U16(extra, 0), length = U16(extra, 2);
            if (extra.Length - 4 < length) break;
            var field = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (id != 1) continue;
            Take(ref field, ref size);
            Take(ref field, ref stored);
            Take(ref field, ref offset);
        }

        if (size == uint.MaxValue || stored == uint.MaxValue || offset == uint.MaxValue)
            throw Bad(file, $"the file \"{shown}\" in it lacks its 64-bit size or place");

        static void Take(ref ReadOnlySpan<byte> field, ref long value)
        {
            if (value != uint.MaxValue || field.Length < 8) return;
            value = (long)Math.Min(U64(field, 0), long.MaxValue);
            field = field[8..];
        }
    }

    private static void RequireApart(MappedFile file, IEnumerable<ZipEntry> entries)
    {
        var end = 0L;
        foreach (var entry in entries.OrderBy(e => e.Offset).ThenBy(e => e.Length))
        {
            if (entry.Offset < end) throw Bad(file, $"the file \"{InputText.Show(entry.Name)}\" in it overlaps another");
            end = entry.Offset + entry.Length;
        }
    }

    private static InputException Bad(MappedFile file, string what) => new($"{file.Path}: not a sound zip archive: {what}");

    private static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);
}
