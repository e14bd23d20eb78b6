using System.Globalization;
using System.Text.Json;
using System.Threading.Channels;
using DistillOnnx.Core;
using Microsoft.Win32.SafeHandles;

namespace DistillOnnx.Teacher.Journaling;

/// <summary>
/// All answers ever paid for, one JSON line each, in a file that only grows. An answer counts as had once its line is on disk;
/// lines that wait are flushed together, so that many requests in flight cost one flush. In memory stands the place of each
/// line alone. A line cut by a kill is cut off when the file is opened next.
/// </summary>
public sealed class Journal : IAsyncDisposable
{
    /// <summary>The file's name within its directory.</summary>
    public const string FileName = "journal.jsonl";

    private const int ReadBlock = 1 << 20;
    private readonly string _path;
    private readonly FileStream _file;
    private readonly Dictionary<UInt128, (long Offset, int Length)> _places = [];
    private readonly Lock _lock = new();
    private readonly Channel<(JournalEntry Entry, TaskCompletionSource Done)> _queue = Channel.CreateUnbounded<(JournalEntry, TaskCompletionSource)>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writer;
    private long _length;

    private Journal(string path, FileStream file)
    {
        _path = path;
        _file = file;
        Index();
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>Number of answers.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _places.Count;
        }
    }

    /// <summary>Tokens of all prompts and answers.</summary>
    public (long Input, long Output) Tokens { get; private set; }

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
    /// <returns>Null where it has not been paid for yet.</returns>
    public JournalEntry? Find(UInt128 key)
    {
        (long Offset, int Length) place;
        lock (_lock)
        {
            if (!_places.TryGetValue(key, out place)) return null;
        }

        var line = new byte[place.Length];
        for (var read = 0; read < line.Length;)
        {
            var count = RandomAccess.Read(_file.SafeFileHandle, line.AsSpan(read), place.Offset + read);
            if (count == 0) throw new InputException($"{_path}: the file was cut while in use");
            read += count;
        }

        return JsonSerializer.Deserialize(line, JournalJsonContext.Default.JournalEntry);
    }

    /// <summary>Whether an answer is there.</summary>
    /// <param name="key">The request's key.</param>
    public bool Contains(UInt128 key)
    {
        lock (_lock) return _places.ContainsKey(key);
    }

    /// <summary>Appends an answer; returns once it is on disk.</summary>
    /// <param name="entry">The answer.</param>
    public async Task AppendAsync(JournalEntry entry)
    {
        // Not cancellable: it is paid for, and is kept whatever becomes of the run.
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_queue.Writer.TryWrite((entry, done))) throw new ObjectDisposedException(nameof(Journal));
        await done.Task.ConfigureAwait(false);
    }

    /// <summary>Writes what waits and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
        await _file.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>A key as it stands in the file.</summary>
    /// <param name="key">The key.</param>
    public static string Text(UInt128 key) => key.ToString("x32", CultureInfo.InvariantCulture);

    private async Task WriteAsync()
    {
        var batch = new List<(JournalEntry Entry, TaskCompletionSource Done, long Offset, int Length)>();
        using var buffer = new MemoryStream();
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            buffer.SetLength(0);
            while (_queue.Reader.TryRead(out var item))
            {
                var start = buffer.Length;
                JsonSerializer.Serialize(buffer, item.Entry, JournalJsonContext.Default.JournalEntry);
                batch.Add((item.Entry, item.Done, _length + start, (int)(buffer.Length - start)));
                buffer.WriteByte((byte)'\n');
            }

            try
            {
                RandomAccess.Write(_file.SafeFileHandle, buffer.GetBuffer().AsSpan(0, (int)buffer.Length), _length);
                RandomAccess.FlushToDisk(_file.SafeFileHandle);
            }
            catch (IOException e)
            {
                // A part of a line may stand there now; the next batch overwrites it.
                foreach (var item in batch) item.Done.TrySetException(new InputException($"{_path}: cannot be written: {e.Message}", e));
                continue;
            }

            _length += buffer.Length;
            lock (_lock)
            {
                foreach (var item in batch) Note(item.Entry, item.Offset, item.Length);
            }

            foreach (var item in batch) item.Done.TrySetResult();
        }
    }

    private void Note(JournalEntry entry, long offset, int length)
    {
        _places[UInt128.Parse(entry.Key, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)] = (offset, length);
        Tokens = (Tokens.Input + entry.InputTokens, Tokens.Output + entry.OutputTokens);
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
                if (entry is null) throw new InputException($"{_path}: line {row}: expected an answer, found something else; move the file away to begin anew");
                Note(entry, position + start, length);
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
            return entry is not null && UInt128.TryParse(entry.Key, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _) ? entry : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
