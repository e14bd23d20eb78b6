using System.Text.Unicode;
using DistillOnnx.Core;

namespace DistillOnnx.Data;

/// <summary>
/// Reads JSON Lines from disk line by line, in memory that grows to the longest line only. A byte order mark and CRLF are
/// accepted, blank lines are passed over, and anything but UTF-8 is refused with its row.
/// </summary>
public static class JsonLines
{
    /// <summary>Longest line in bytes. No row of text comes near; a file without line ends would otherwise fill the memory.</summary>
    public const int MaxLineBytes = 64 << 20;

    private const int FirstBuffer = 1 << 16;

    private static ReadOnlySpan<byte> Utf8Mark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads a file's lines.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file is missing or cannot be read, a line is not UTF-8 or is too long.</exception>
    public static IEnumerable<JsonLine> Read(string path)
    {
        using var stream = Open(path);
        foreach (var line in Read(stream, path)) yield return line;
    }

    /// <summary>Reads a file's lines without a check that they are UTF-8, for a caller that reports every faulty line.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file is missing or cannot be read, or a line is too long.</exception>
    public static IEnumerable<JsonLine> ReadUnchecked(string path)
    {
        using var stream = Open(path);
        foreach (var line in Lines(stream, path)) yield return line;
    }

    /// <summary>Reads a stream's lines.</summary>
    /// <param name="stream">The bytes; left open.</param>
    /// <param name="name">Names the stream in messages.</param>
    /// <exception cref="InputException">The stream cannot be read, a line is not UTF-8 or is too long.</exception>
    public static IEnumerable<JsonLine> Read(Stream stream, string name)
    {
        foreach (var line in Lines(stream, name))
        {
            if (!Utf8.IsValid(line.Utf8.Span))
                throw new InputException($"{name}: row {line.Row}: expected UTF-8 text, found bytes that are not");
            yield return line;
        }
    }

    private static IEnumerable<JsonLine> Lines(Stream stream, string name)
    {
        var buffer = new byte[FirstBuffer];
        var (start, end, row) = (0, 0, 0L);
        var more = true;
        while (more || start < end)
        {
            var length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            var scanned = end - start;
            while (length < 0 && more)
            {
                if (start > 0)
                {
                    Buffer.BlockCopy(buffer, start, buffer, 0, scanned);
                    (start, end) = (0, scanned);
                }

                if (end == buffer.Length)
                {
                    if (end >= MaxLineBytes)
                        throw new InputException(
                            $"{name}: row {row + 1}: expected a line of at most {MaxLineBytes >> 20} MiB, found a longer one");
                    Array.Resize(ref buffer, buffer.Length * 2);
                }

                var read = Fill(stream, buffer.AsSpan(end), name);
                more = read > 0;
                length = buffer.AsSpan(end, read).IndexOf((byte)'\n');
                if (length >= 0) length += scanned;
                end += read;
                scanned += read;
            }

            var line = buffer.AsMemory(start, length < 0 ? end - start : length);
            start = length < 0 ? end : start + length + 1;
            row++;
            if (row == 1) line = WithoutMark(line, name);
            if (line.Length > 0 && line.Span[^1] == '\r') line = line[..^1];
            if (line.Span.Trim(" \t"u8).IsEmpty) continue;
            yield return new JsonLine(row, line);
        }
    }

    private static Memory<byte> WithoutMark(Memory<byte> line, string name)
    {
        var bytes = line.Span;
        if (bytes.StartsWith(Utf8Mark)) return line[Utf8Mark.Length..];
        if (BinaryForm.IsUtf32(bytes)) throw new InputException($"{name}: row 1: expected UTF-8 text, found UTF-32");
        if (bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..]) throw new InputException($"{name}: row 1: expected UTF-8 text, found UTF-16");
        if (BinaryForm.Describe(bytes) is { } found) throw new InputException($"{name}: row 1: expected UTF-8 text, found {found}");
        return line;
    }

    private static FileStream Open(string path)
    {
        if (Directory.Exists(path)) throw new InputException($"{path}: expected a file, found a directory");
        try
        {
            return new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 0 });
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: no such file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    private static int Fill(Stream stream, Span<byte> buffer, string name)
    {
        try
        {
            return stream.Read(buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{name}: cannot be read: {e.Message}", e);
        }
    }
}
