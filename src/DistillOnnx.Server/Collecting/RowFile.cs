using System.Globalization;

namespace DistillOnnx.Server.Collecting;

/// <summary>
/// A file of rows that is being written, under a name that begins with a dot, and that appears whole when it is closed. What a killed
/// process left is found by <see cref="Adopt"/>: its lock is free.
/// </summary>
internal sealed class RowFile : IDisposable
{
    /// <summary>What files that are whole begin and end with.</summary>
    public const string Start = "rows-", End = ".jsonl";

    private const string TimeFormat = "yyyyMMdd'T'HHmmss.fff'Z'", Time = "20300101T000000.000Z";

    private readonly string _path;
    private readonly FileStream _stream;

    private RowFile(string path, FileStream stream, DateTimeOffset opened)
    {
        _path = path;
        _stream = stream;
        Opened = opened;
    }

    /// <summary>When it was begun.</summary>
    public DateTimeOffset Opened { get; }

    /// <summary>Its bytes.</summary>
    public long Length => _stream.Length;

    /// <summary>Begins a file; only its owner may read it.</summary>
    public static RowFile Create(string directory, DateTimeOffset now)
    {
        var time = now.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);
        var path = Path.Combine(directory, $".{Start}{time}-{Guid.NewGuid().ToString("N")[..8]}{End}");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new RowFile(path, new FileStream(path, options), now);
    }

    /// <summary>When a file was begun, by its name; null: the name is none of this program's.</summary>
    public static DateTimeOffset? TimeOf(string name) =>
        name.Length > Start.Length + Time.Length
        && DateTimeOffset.TryParseExact(
            name.AsSpan(Start.Length, Time.Length), TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : null;

    /// <summary>Makes whole what processes that are no more were writing: a line that was cut is cut off.</summary>
    public static void Adopt(string directory)
    {
        foreach (var path in Directory.EnumerateFiles(directory, $".{Start}*{End}"))
        {
            try
            {
                using var file = new RowFile(path, new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None), default);
                file.CutToLastLine();
            }
            catch (IOException)
            {
                // Another server is writing it.
            }
        }
    }

    /// <summary>Writes a line.</summary>
    public void Write(byte[] line) => _stream.Write(line);

    /// <summary>Hands what was written to the operating system, which keeps it where this process is killed.</summary>
    public void Flush() => _stream.Flush();

    /// <summary>Lets the file appear.</summary>
    public void Dispose()
    {
        var isEmpty = _stream.Length == 0;
        _stream.Flush(flushToDisk: true);

        // Elsewhere its lock is kept until it has its name, so that no other server takes it for what a killed one left.
        if (OperatingSystem.IsWindows()) _stream.Dispose();
        if (isEmpty) File.Delete(_path);
        else File.Move(_path, Path.Combine(Path.GetDirectoryName(_path)!, Path.GetFileName(_path)[1..]));
        _stream.Dispose();
    }

    private void CutToLastLine()
    {
        var length = _stream.Length;
        for (; length > 0; length--)
        {
            _stream.Position = length - 1;
            if (_stream.ReadByte() == '\n') break;
        }

        _stream.SetLength(length);
    }
}
