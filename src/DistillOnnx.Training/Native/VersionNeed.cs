using System.Buffers.Binary;
using System.Text;

namespace DistillOnnx.Training.Native;

/// <summary>
/// Edits which symbol versions an ELF library insists on.
/// </summary>
/// <remarks>
/// <para>
/// A shared library lists, in its section of version needs, the versions that each library it links to must define. The
/// dynamic loader checks the list before anything else and refuses the library where a version is missing, whether or not
/// a symbol of that version is used. TorchSharp 0.107 is compiled by GCC 13, whose <c>&lt;iostream&gt;</c> refers to
/// <c>_ZSt21ios_base_library_initv</c>, of version GLIBCXX_3.4.32, as a mere marker that the C++ runtime initialises its
/// streams by itself. No relocation points to it: nothing ever calls it. Debian 12, Ubuntu 22.04 and RHEL 9 have a C++ runtime up
/// to GLIBCXX_3.4.30, and so refuse a library that would run there.
/// </para>
/// <para>
/// The loader does not refuse over a version that is flagged weak (<c>VER_FLG_WEAK</c> on its <c>Elf64_Vernaux</c>
/// entry); a symbol that is really needed would still fail to resolve. Setting that flag in a copy is all that happens here. Layout:
/// System V ABI, chapter 5, and the Linux Standard Base's chapter on symbol versioning.
/// </para>
/// </remarks>
internal static class VersionNeed
{
    /// <summary>The version that TorchSharp's library names and does not use.</summary>
    public const string UnusedRuntimeVersion = "GLIBCXX_3.4.32";

    private const ushort WeakFlag = 2;
    private const int ProgramLoad = 1;
    private const int ProgramDynamic = 2;
    private const long DynamicStringTable = 5;
    private const long DynamicVersionNeed = 0x6ffffffe;
    private const long DynamicVersionNeedCount = 0x6fffffff;

    /// <summary>Flags a needed version as weak, in place.</summary>
    /// <param name="library">A 64-bit little-endian ELF shared library.</param>
    /// <param name="version">The version's name.</param>
    /// <returns>Whether the library needs that version.</returns>
    /// <exception cref="InvalidDataException">The bytes are not such a library, or point outside themselves.</exception>
    public static bool MakeWeak(Span<byte> library, string version)
    {
        if (library.Length < 64 || !library.StartsWith("\u007fELF\u0002\u0001"u8))
            throw new InvalidDataException("not a 64-bit little-endian ELF library");

        var segments = ReadSegments(library);
        long strings = -1, needs = -1, needCount = 0;
        foreach (var (type, offset, _, size) in segments)
        {
            if (type != ProgramDynamic) continue;
            for (var entry = offset; entry < offset + size; entry += 16)
            {
                var value = Int64(library, entry + 8);
                switch (Int64(library, entry))
                {
                    case DynamicStringTable: strings = FileOffset(segments, value); break;
                    case DynamicVersionNeed: needs = FileOffset(segments, value); break;
                    case DynamicVersionNeedCount: needCount = value; break;
                }
            }
        }

        if (strings < 0 || needs < 0) return false;
        var name = Encoding.ASCII.GetBytes(version + "\0");
        var found = false;
        for (long i = 0, need = needs; i < needCount; i++)
        {
            // Elf64_Verneed: version u16, count u16, file u32, aux u32, next u32.
            long count = UInt16(library, need + 2);
            var entry = need + UInt32(library, need + 8);
            for (long k = 0; k < count; k++)
            {
                // Elf64_Vernaux: hash u32, flags u16, other u16, name u32, next u32.
                if (Slice(library, strings + UInt32(library, entry + 8), name.Length).SequenceEqual(name))
                {
                    var flags = Slice(library, entry + 4, 2);
                    BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | WeakFlag));
                    found = true;
                }

                entry += UInt32(library, entry + 12);
            }

            need += UInt32(library, need + 12);
        }

        return found;
    }

    private static List<(uint Type, long Offset, long Address, long Size)> ReadSegments(Span<byte> library)
    {
        var table = Int64(library, 32);
        var entrySize = UInt16(library, 54);
        var count = UInt16(library, 56);
        var segments = new List<(uint, long, long, long)>(count);
        for (var i = 0; i < count; i++)
        {
            var header = table + (long)i * entrySize;
            segments.Add((UInt32(library, header), Int64(library, header + 8), Int64(library, header + 16), Int64(library, header + 32)));
        }

        return segments;
    }

    /// <summary>Addresses in the dynamic section are those in memory; the file has them at their segment's offset.</summary>
    private static long FileOffset(List<(uint Type, long Offset, long Address, long Size)> segments, long address)
    {
        foreach (var (type, offset, start, size) in segments)
        {
            if (type == ProgramLoad && address >= start && address < start + size) return address - start + offset;
        }

        throw new InvalidDataException("an address of the dynamic section lies in no segment");
    }

    private static Span<byte> Slice(Span<byte> library, long offset, int length)
    {
        if (offset < 0 || offset > library.Length - length) throw new InvalidDataException("an offset lies outside the library");
        return library.Slice((int)offset, length);
    }

    private static ushort UInt16(Span<byte> library, long offset) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(library, offset, 2));

    private static uint UInt32(Span<byte> library, long offset) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(library, offset, 4));

    private static long Int64(Span<byte> library, long offset) => BinaryPrimitives.ReadInt64LittleEndian(Slice(library, offset, 8));
}
