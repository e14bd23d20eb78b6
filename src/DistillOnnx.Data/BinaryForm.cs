namespace DistillOnnx.Data;

/// <summary>Tells by a file's first bytes what it is where it is no text that can be read.</summary>
public static class BinaryForm
{
    /// <summary>How many bytes are enough.</summary>
    public const int Longest = 16;

    private static ReadOnlySpan<byte> Xz => [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0];

    private static ReadOnlySpan<byte> SevenZip => [(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C];

    private static ReadOnlySpan<byte> Zstandard => [0x28, 0xB5, 0x2F, 0xFD];

    private static ReadOnlySpan<byte> Bzip2Block => [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];

    private static ReadOnlySpan<byte> OldOffice => [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

    /// <summary>What was found and what to do about it, in the words of a message after "found".</summary>
    /// <param name="start">The first bytes, <see cref="Longest"/> of them where there are so many.</param>
    /// <returns>Null where the bytes may be text.</returns>
    public static string? Describe(ReadOnlySpan<byte> start)
    {
        if (start is [0x1F, 0x8B, ..]) return "gzip; decompress it first";
        if (start is [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', ..] && start[4..].StartsWith(Bzip2Block))
            return "bzip2; decompress it first";
        if (start.StartsWith(Xz)) return "xz; decompress it first";
        if (start.StartsWith(Zstandard)) return "Zstandard; decompress it first";
        if (start.StartsWith(SevenZip)) return "a 7z archive; decompress it first";
        if (start.StartsWith("PK\x03\x04"u8) || start.StartsWith("PK\x05\x06"u8))
            return "a zip archive; a spreadsheet is imported by \"import xlsx\", another archive has to be unpacked first";
        // A header of text may begin with the same four letters, but no text continues with this field of a page's header.
        if (start.StartsWith("PAR1\x15"u8)) return "Parquet; \"import parquet\" reads it";
        if (start.StartsWith("ARROW1\0\0"u8)) return "an Arrow file; save it as Parquet or as text";
        return start.StartsWith(OldOffice) ? "a workbook of the old form (.xls); save it as .xlsx or as text" : null;
    }

    /// <summary>Whether text begins with a byte order mark of UTF-32.</summary>
    /// <param name="start">The first bytes.</param>
    /// <remarks>That of its little-endian form begins as UTF-16's does, so it is looked for first.</remarks>
    public static bool IsUtf32(ReadOnlySpan<byte> start) => start is [0xFF, 0xFE, 0, 0, ..] or [0, 0, 0xFE, 0xFF, ..];
}
