using System.Text;
using DistillOnnx.Core;
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

    /// <summary>Finds out a file's encoding: a byte order mark, UTF-8 where the bytes are, UTF-16 where every second
    /// one is zero, else the likeliest one.</summary>
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

    private static string? ZeroPattern(byte[] sample)
    {
        var (even, odd) = (0, 0);
        for (var i = 0; i + 1 < Math.Min(sample.Length, 4096); i += 2)
        {
            if (sample[i] == 0) even++;
            if (sample[i + 1] == 0) odd++;
        }

        var most = Math.Min(sample.Length, 4096) * 0.3 / 2;
        return odd > most && even == 0 ? "utf-16" : even > most && odd == 0 ? "utf-16BE" : null;
    }

    /// <summary>Whether a file begins as zip archives do, among them spreadsheets.</summary>
    public static bool IsZip(string file)
    {
        using var stream = File.OpenRead(file);
        Span<byte> start = stackalloc byte[4];
        return stream.ReadAtLeast(start, 4, throwOnEndOfStream: false) == 4 && start.SequenceEqual("PK\x03\x04"u8);
    }
}
