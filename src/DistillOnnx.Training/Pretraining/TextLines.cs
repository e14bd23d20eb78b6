using System.IO.Compression;
using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Core.Data;

namespace DistillOnnx.Training.Pretraining;

/// <summary>
/// The lines of text files in random order, over and over, with a window of them in memory at a time. A position alone says which line
/// stands there, so a resumed run finds its place.
/// </summary>
internal sealed class TextLines : IDisposable
{
    private readonly IReadOnlyList<string> _files;
    private readonly int _skip;
    private readonly int _window;
    private readonly long _seed;
    private IEnumerator<string>? _reader;
    private long _readerAt;
    private (long Epoch, long Index) _loaded = (-1, -1);
    private string[] _lines = [];

    /// <param name="files">The files; those named <c>.gz</c> are unpacked.</param>
    /// <param name="skip">Lines at the beginning that are left out.</param>
    /// <param name="window">Lines in memory.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <exception cref="InputException">A file cannot be read, or there are no lines.</exception>
    public TextLines(IReadOnlyList<string> files, int skip, int window, long seed)
    {
        (_files, _skip, _window, _seed) = (files, skip, window, seed);
        Count = Read(files).LongCount() - skip;
        if (Count < 1) throw new InputException($"{string.Join(", ", files)}: expected more than {skip} lines of text, found {Count + skip}");
    }

    /// <summary>Number of lines.</summary>
    public long Count { get; }

    /// <summary>The line at a position; after the last line a new epoch begins.</summary>
    /// <param name="position">From 0.</param>
    public string At(long position)
    {
        var (epoch, offset) = Math.DivRem(position, Count);
        var window = offset / _window;
        if (_loaded != (epoch, window)) Load(epoch, window);
        return _lines[offset - (window * _window)];
    }

    /// <summary>All lines that are not blank, in the order of the files.</summary>
    /// <param name="files">The files.</param>
    /// <exception cref="InputException">A file cannot be read.</exception>
    public static IEnumerable<string> Read(IEnumerable<string> files)
    {
        foreach (var file in files)
        {
            using var reader = Open(file);
            while (Next(reader, file) is { } line)
            {
                if (!string.IsNullOrWhiteSpace(line)) yield return line;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reader?.Dispose();

    private static StreamReader Open(string file)
    {
        try
        {
            Stream stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            if (file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) stream = new GZipStream(stream, CompressionMode.Decompress);
            return new StreamReader(stream, new UTF8Encoding(false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }

    private static string? Next(StreamReader reader, string file)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }

    private void Load(long epoch, long window)
    {
        var from = _skip + (window * _window);
        if (_reader is null || _readerAt > from)
        {
            _reader?.Dispose();
            _reader = Read(_files).GetEnumerator();
            _readerAt = 0;
        }

        for (; _readerAt < from && _reader.MoveNext(); _readerAt++)
        {
        }

        var lines = new List<string>(_window);
        for (; lines.Count < _window && _reader.MoveNext(); _readerAt++) lines.Add(_reader.Current);
        _lines = [.. lines];
        new SplitMix64(unchecked((((_seed * 1_000_003) + epoch) * 1_000_003) + window)).Shuffle(_lines.AsSpan());
        _loaded = (epoch, window);
    }
}
