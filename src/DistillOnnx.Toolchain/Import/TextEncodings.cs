using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Data;
using UtfUnknown;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Finds out which encoding a text file has, and reads it as UTF-8.</summary>
internal static class TextEncodings
{
    private const int SampleBytes = 1 << 20;
    private const float Confident = 0.75f;

    static TextEncodings() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>An encoding by the name that a user gave, or null where there is none of the name.</summary>
    /// <param name="name">For instance <c>utf-8</c>, <c>latin-1</c>, <c>windows-1252</c>, <c>utf-16</c>.</param>
    public static Encoding? Named(string name)
    {
        try
        {
            // What calls itself Latin-1 holds Windows' quotes and euro signs more often than control characters, as browsers assume too.
            var known = name.ToLowerInvariant() is "latin-1" or "latin1" or "iso-8859-1" ? "windows-1252" : name;
            return Encoding.GetEncoding(known, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Finds out a file's encoding: a byte order mark, UTF-8 where the bytes are, UTF-16 or UTF-32 where
    /// most high bytes are zero, else the likeliest one.</summary>
    /// <param name="file">The file.</param>
    /// <param name="guessed">Whether the bytes are ambiguous, so that the user should be warned.</param>
    /// <exception cref="InputException">The file cannot be read.</exception>
    public static Encoding Detect(string file, out bool guessed)
    {
        guessed = false;
        byte[] sample;
        try
        {
            sample = Sample(file, out var utf8);
            if (sample is [0xFF, 0xFE, 0, 0, ..]) return Named("utf-32")!;
            if (sample is [0, 0, 0xFE, 0xFF, ..]) return Named("utf-32BE")!;
            if (sample is [0xFF, 0xFE, ..]) return Named("utf-16")!;
            if (sample is [0xFE, 0xFF, ..]) return Named("utf-16BE")!;
            if (ZeroPattern(sample) is { } wide) return Named(wide)!;
            if (utf8) return Encoding.UTF8;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }

        guessed = true;
        var found = CharsetDetector.DetectFromBytes(sample).Detected;
        return found is { Confidence: >= Confident, EncodingName: { } name } && Named(name) is { } encoding && encoding.IsSingleByte
            ? encoding
            : Named("windows-1252")!;
    }

    /// <summary>Refuses a file whose first bytes are those of an archive, of compressed data or of a table that is no text.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="InputException">It is one, or cannot be read.</exception>
    public static void RequireText(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            Span<byte> start = stackalloc byte[BinaryForm.Longest];
            var length = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            if (BinaryForm.Describe(start[..length]) is { } found) throw new InputException($"{file}: expected CSV, found {found}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Opens a file so that its bytes are UTF-8.</summary>
    /// <param name="file">The file.</param>
    /// <param name="encoding">Its encoding.</param>
    public static Stream OpenUtf8(string file, Encoding encoding)
    {
        var stream = new FileStream(file, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 1 << 16 });
        return encoding is UTF8Encoding ? stream : Encoding.CreateTranscodingStream(stream, encoding, Encoding.UTF8);
    }

    // UTF-8 where the whole file is, or where letters beyond ASCII are before the first fault: then the faulty row is named instead.
    private static byte[] Sample(string file, out bool utf8)
    {
        using var stream = File.OpenRead(file);
        var sample = new byte[Math.Min(SampleBytes, stream.Length)];
        stream.ReadExactly(sample);
        stream.Position = 0;
        var buffer = new byte[SampleBytes];
        var (kept, wide) = (0, false);
        for (int read; (read = stream.Read(buffer, kept, buffer.Length - kept)) > 0;)
        {
            var all = buffer.AsSpan(0, kept + read);
            while (!all.IsEmpty)
            {
                var ascii = all.IndexOfAnyExceptInRange((byte)0, (byte)0x7F);
                if (ascii < 0) all = [];
                else
                {
                    all = all[ascii..];
                    var status = Rune.DecodeFromUtf8(all, out _, out var used);
                    if (status == System.Buffers.OperationStatus.NeedMoreData) break;
                    if (status != System.Buffers.OperationStatus.Done)
                    {
                        utf8 = wide;
                        return wide || stream.Length <= SampleBytes ? sample : [.. sample, .. all[..Math.Min(all.Length, 1 << 12)]];
                    }

                    wide = true;
                    all = all[used..];
                }
            }

            kept = all.Length;
            all.CopyTo(buffer);
        }

        utf8 = kept == 0 || wide;
        return sample;
    }

    // Counts zeros by their place in groups of four bytes.
    private static string? ZeroPattern(byte[] sample)
    {
        var length = Math.Min(sample.Length, 4096) & ~1;
        Span<int> zeros = stackalloc int[4];
        for (var i = 0; i < length; i++)
        {
            if (sample[i] == 0) zeros[i & 3]++;
        }

        // Of four bytes a character the highest is always zero, and the next one is for all but rare characters.
        var (fours, common) = (length / 4, length / 4 * 0.9);
        if (fours > 0 && zeros[3] == fours && zeros[2] > common && zeros[0] == 0) return "utf-32";
        if (fours > 0 && zeros[0] == fours && zeros[1] > common && zeros[3] == 0) return "utf-32BE";
        var (even, odd, most) = (zeros[0] + zeros[2], zeros[1] + zeros[3], length * 0.3 / 2);
        return odd > most && even == 0 ? "utf-16" : even > most && odd == 0 ? "utf-16BE" : null;
    }
}
