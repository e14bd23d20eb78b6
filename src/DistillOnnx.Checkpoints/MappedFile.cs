using System.IO.MemoryMappedFiles;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>A file mapped for reading. Every access is checked against the file's length.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    private MappedFile(string path, long length, MemoryMappedFile file, MemoryMappedViewAccessor view)
    {
        Path = path;
        Length = length;
        _file = file;
        _view = view;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += view.PointerOffset;
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <exception cref="InputException">It is missing, empty or no regular file, or cannot be opened.</exception>
    public static MappedFile Open(string path)
    {
        MemoryMappedFile? file = null;
        try
        {
            PlainFile.Require(path, path);
            var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            var length = stream.Length;
            file = MemoryMappedFile.CreateFromFile(
                stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            return new MappedFile(path, length, file, file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            file?.Dispose();
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A run of bytes, valid until this is disposed.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int count)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        if (offset < 0 || count < 0 || offset > Length - count) throw new ArgumentOutOfRangeException(nameof(offset));
        return new ReadOnlySpan<byte>(_start + offset, count);
    }

    public void Dispose()
    {
        if (_start is null) return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }
}
