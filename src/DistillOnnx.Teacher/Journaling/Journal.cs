using System.Globalization;
using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Data;
using Microsoft.Win32.SafeHandles;

namespace DistillOnnx.Teacher.Journaling;

/// <summary>
/// All answers received so far, one JSON line each, in a file that is only appended to. An answer is written as soon as it arrives, which
/// outlives the process, and counts as had once it is on disk, which outlives the machine; all that wait for the disk are
/// flushed together. The offset of each line is in a table in memory. A line cut by a kill is cut off when the file is opened next.
/// </summary>
public sealed class Journal : IAsyncDisposable
{
    /// <summary>The file's name within its directory.</summary>
    public const string FileName = "journal.jsonl";

    private const int ReadBlock = 1 << 20;
    private const int Window = 1 << 16;
    private readonly string _path;
    private readonly FileStream _file;
    private readonly KeyTable _places = new();
    private readonly HashSet<string> _charges = new(StringComparer.Ordinal);
    private readonly Dictionary<string, JournalTotal> _totals = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly Lock _readLock = new();
    private readonly SemaphoreSlim _written = new(0);
    private readonly Task _flusher;
    private TaskCompletionSource _flushed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[] _window = new byte[Window];
    private long _windowStart;
    private int _windowLength;
    private long _length;
    private bool _closed;

    private Journal(string path, FileStream file)
    {
        _path = path;
        _file = file;
        Index();
        _flusher = Task.Run(FlushAsync);
    }

    /// <summary>Number of answers.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return (int)_places.Count;
        }
    }

    /// <summary>Tokens of all prompts and answers.</summary>
    public (long Input, long Output) Tokens
    {
        get
        {
            lock (_lock) return (_totals.Values.Sum(t => t.Input), _totals.Values.Sum(t => t.Output));
        }
    }

    /// <summary>Of the answers' tokens those that were thoughts, where endpoints count them.</summary>
    public long ReasoningTokens
    {
        get
        {
            lock (_lock) return _totals.Values.Sum(t => t.Reasoning);
        }
    }

    /// <summary>What it holds of each model, by the name the model was asked by.</summary>
    public IReadOnlyDictionary<string, JournalTotal> Totals
    {
        get
        {
            lock (_lock) return new SortedDictionary<string, JournalTotal>(_totals, StringComparer.Ordinal);
        }
    }

    /// <summary>Opens or creates the journal of a directory; only one process at a time may have it.</summary>
    /// <param name="directory">The directory, created where it is missing.</param>
    /// <exception cref="InputException">Another process has it, it cannot be written, or a line within it is no answer.</exception>
    public static Journal Open(string directory)
    {
        var path = Path.Combine(directory, FileName);
        try
        {
            Directory.CreateDirectory(directory);
            return new Journal(path, new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be opened; another run may have it: {e.Message}", e);
        }
    }

    /// <summary>Reads an answer.</summary>
    /// <param name="key">The request's key.</param>
    /// <returns>Null where the journal has none.</returns>
    public JournalEntry? Find(UInt128 key)
    {
        long offset;
        lock (_lock) offset = _places.Find(key);
        if (offset < 0) return null;
        lock (_readLock)
        {
            if (offset < _windowStart || offset >= _windowStart + _windowLength || Line(offset) < 0) ReadWindow(offset);
            var length = Line(offset);
            if (length < 0) throw new InputException($"{_path}: the file was cut while in use");
            return JsonSerializer.Deserialize(
                _window.AsSpan((int)(offset - _windowStart), length), JournalJsonContext.Default.JournalEntry);
        }
    }

    // Rows are written about in the order in which they were asked: one reading serves many of them.
    private void ReadWindow(long offset)
    {
        (_windowStart, _windowLength) = (offset, 0);
        while (true)
        {
            var count = RandomAccess.Read(_file.SafeFileHandle, _window.AsSpan(_windowLength), offset + _windowLength);
            _windowLength += count;
            if (count == 0 || Line(offset) >= 0) return;
            if (_windowLength == _window.Length) Array.Resize(ref _window, _window.Length * 2);
        }
    }

    // The length of the line at an offset; below 0 where the window does not hold its end.
    private int Line(long offset) =>
        _window.AsSpan((int)(offset - _windowStart), _windowLength - (int)(offset - _windowStart)).IndexOf((byte)'\n');

    /// <summary>Whether there is an answer.</summary>
    /// <param name="key">The request's key.</param>
    public bool Contains(UInt128 key)
    {
        lock (_lock) return _places.Find(key) >= 0;
    }

    /// <summary>Whether a charge is counted.</summary>
    /// <param name="charge">The charge's name.</param>
    internal bool Counts(string charge)
    {
        lock (_lock) return _charges.Contains(charge);
    }

    /// <summary>Appends an answer; returns once it is on disk.</summary>
    /// <param name="entry">The answer.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public async Task AppendAsync(JournalEntry entry)
    {
        // Not cancellable: the answer is paid, and is kept even if the run fails.
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(entry, JournalJsonContext.Default.JournalEntry), (byte)'\n'];
        long offset;
        Task flushed;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            offset = _length;
            Write(line);
            flushed = _flushed.Task;
        }

        _written.Release();
        await flushed.ConfigureAwait(false);
        lock (_lock) Note(entry, offset);
    }

    /// <summary>Flushes what was written and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock) _closed = true;
        _written.Release();
        await _flusher.ConfigureAwait(false);
        await _file.DisposeAsync().ConfigureAwait(false);
        _places.Dispose();
        _written.Dispose();
    }

    /// <summary>A key as it is written in the file.</summary>
    /// <param name="key">The key.</param>
    public static string Text(UInt128 key) => key.ToString("x32", CultureInfo.InvariantCulture);

    private static UInt128 Key(JournalEntry entry) =>
        UInt128.Parse(entry.Key, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private void Write(byte[] line)
    {
        try
        {
            RandomAccess.Write(_file.SafeFileHandle, line, _length);
            _length += line.Length;
        }
        catch (IOException e)
        {
            // A part of the line may have been written, and read ahead.
            RandomAccess.SetLength(_file.SafeFileHandle, _length);
            lock (_readLock) _windowLength = 0;
            throw new IOException($"{_path}: cannot be written: {e.Message}", e);
        }
    }

    private async Task FlushAsync()
    {
        while (true)
        {
            await _written.WaitAsync().ConfigureAwait(false);
            TaskCompletionSource waiting;
            bool closed;
            lock (_lock)
            {
                closed = _closed;
                (waiting, _flushed) = (_flushed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
                // What was written until here is flushed by what follows.
                while (_written.Wait(0))
                {
                }
            }

            try
            {
                RandomAccess.FlushToDisk(_file.SafeFileHandle);
                waiting.SetResult();
            }
            catch (IOException e)
            {
                waiting.SetException(new IOException($"{_path}: cannot be written: {e.Message}", e));
            }

            if (closed) return;
        }
    }

    private void Note(JournalEntry entry, long offset)
    {
        if (!entry.Lost) _places.Set(Key(entry), offset);
        if (entry.Charge is { } charge) _charges.Add(charge);
        _totals[entry.Teacher] = _totals.GetValueOrDefault(entry.Teacher).With(entry);
    }

    private void Index()
    {
        SafeFileHandle handle = _file.SafeFileHandle;
        var buffer = new byte[ReadBlock];
        long position = 0, row = 0;
        var filled = 0;
        while (true)
        {
            var count = RandomAccess.Read(handle, buffer.AsSpan(filled), position + filled);
            filled += count;
            var start = 0;
            for (int length; (length = buffer.AsSpan(start, filled - start).IndexOf((byte)'\n')) >= 0; start += length + 1)
            {
                row++;
                var entry = Parse(buffer.AsSpan(start, length));
                if (entry is null)
                    throw new InputException(
                        $"{_path}: line {row}: expected an answer, found something else; move the file away to start again");
                Note(entry, position + start);
            }

            position += start;
            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            filled -= start;
            if (count == 0) break;
            if (filled == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        }

        // What follows the last line end was being written when the process was killed.
        if (filled > 0) RandomAccess.SetLength(handle, position);
        _length = position;
    }

    private static JournalEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            var entry = JsonSerializer.Deserialize(line, JournalJsonContext.Default.JournalEntry);
            return entry is not null && UInt128.TryParse(entry.Key, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _)
                ? entry
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
