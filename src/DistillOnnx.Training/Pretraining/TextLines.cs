using System.IO.Compression;
using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Training.Pretraining;

/// <summary>
/// The lines of text files, or passages of several lines that follow each other, in random order, over and over, with a window of them in
/// memory at a time. A position alone says which one stands there, so a resumed run finds its place.
/// </summary>
internal sealed class TextLines : IDisposable
{
    private readonly IReadOnlyList<string> _files;
    private readonly int _heldOut;
    private readonly long _stride;
    private readonly int _window;
    private readonly long _seed;
    private readonly int _join;
    private IEnumerator<string>? _reader;
    private long _readerAt;
    private (long Epoch, long Index) _loaded = (-1, -1);
    private string[] _lines = [];

    /// <param name="files">The files; those named <c>.gz</c> are unpacked.</param>
    /// <param name="heldOut">Lines that are kept apart to evaluate on, spread evenly over the text.</param>
    /// <param name="window">Lines in memory.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <param name="join">Lines that make one, as <see cref="Read"/> says; the other counts are in such lines then.</param>
    /// <exception cref="InputException">A file cannot be read, or there are no lines.</exception>
    public TextLines(IReadOnlyList<string> files, int heldOut, int window, long seed, int join = 1)
    {
        (_files, _heldOut, _window, _seed, _join) = (files, heldOut, window, seed, join);
        var total = Read(files, join).LongCount();
        Count = total - heldOut;
        if (Count < 1) throw new InputException($"{string.Join(", ", files)}: expected more than {heldOut} lines of text, found {total}");
        _stride = heldOut == 0 ? 0 : total / heldOut;
    }

    /// <summary>Number of lines to learn from.</summary>
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

    /// <summary>The lines that are kept apart.</summary>
    public IEnumerable<string> HeldOut() => Read(_files, _join).Where((_, index) => IsHeldOut(index));

    /// <summary>All lines that are not blank, in the order of the files.</summary>
    /// <param name="files">The files.</param>
    /// <param name="join">Lines that are put together, with a space between them, as long as no blank line and no file's end comes
    /// between.</param>
    /// <exception cref="InputException">A file cannot be read.</exception>
    public static IEnumerable<string> Read(IEnumerable<string> files, int join = 1)
    {
        foreach (var file in files)
        {
            using var reader = Open(file);
            var passage = new List<string>(join);
            while (Next(reader, file) is { } line)
            {
                var blank = string.IsNullOrWhiteSpace(line);
                if (!blank) passage.Add(line);
                if (passage.Count == 0 || (!blank && passage.Count < join)) continue;
                yield return string.Join(' ', passage);
                passage.Clear();
            }

            if (passage.Count > 0) yield return string.Join(' ', passage);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reader?.Dispose();

    /// <summary>Files are often sorted by where their lines come from, so the first lines would stand for the first source alone.</summary>
    private bool IsHeldOut(long index) => _stride > 0 && index % _stride == 0 && index / _stride < _heldOut;

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
        var from = window * _window;
        if (_reader is null || _readerAt > from)
        {
            _reader?.Dispose();
            _reader = Read(_files, _join).Where((_, index) => !IsHeldOut(index)).GetEnumerator();
            _readerAt = 0;
        }

        for (; _readerAt < from && _reader.MoveNext(); _readerAt++)
        {
        }

        var lines = new List<string>((int)Math.Min(_window, Count));
        for (; lines.Count < _window && _reader.MoveNext(); _readerAt++) lines.Add(_reader.Current);
        _lines = [.. lines];
        new SplitMix64(unchecked((((_seed * 1_000_003) + epoch) * 1_000_003) + window)).Shuffle(_lines.AsSpan());
        _loaded = (epoch, window);
    }
}
