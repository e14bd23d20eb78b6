using DistillOnnx.Core;

namespace DistillOnnx.Stages.IO;

/// <summary>
/// A file that appears whole or not at all: written to a hidden sibling, flushed to disk and renamed by <see cref="Commit"/>.
/// Disposing without a commit removes what was written and leaves an earlier file as it was.
/// </summary>
public sealed class AtomicFile : IDisposable
{
    private readonly string _target;
    private readonly string _staging;
    private readonly FileStream _stream;
    private bool _done;

    private AtomicFile(string target, string staging, FileStream stream)
    {
        _target = target;
        _staging = staging;
        _stream = stream;
    }

    /// <summary>Where the content goes until then.</summary>
    public Stream Stream => _stream;

    /// <summary>Opens the hidden sibling.</summary>
    /// <param name="target">Path of the file; its directory must exist.</param>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public static AtomicFile Create(string target)
    {
        target = Path.GetFullPath(target);
        if (Directory.Exists(target)) throw new InputException($"{target}: expected a file for the output, found a directory");
        var staging = StagedOutputs.Reserve(target);
        try
        {
            StagedOutputs.DeleteLeftovers(target);
            return new AtomicFile(target, staging, new FileStream(staging, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            StagedOutputs.Release(staging);
            throw OutputDirectory.Unwritable(target, staging, e);
        }
    }

    /// <summary>Writes a whole file.</summary>
    /// <param name="target">Path of the file; its directory must exist.</param>
    /// <param name="content">The bytes.</param>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public static void WriteAllBytes(string target, ReadOnlySpan<byte> content)
    {
        using var file = Create(target);
        file.Stream.Write(content);
        file.Commit();
    }

    /// <summary>Flushes the content to disk and puts the file in place, in place of an earlier one.</summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(_done, this);
        try
        {
            _stream.Flush(flushToDisk: true);
            _stream.Dispose();
            File.Move(_staging, _target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw OutputDirectory.Unwritable(_target, _staging, e);
        }

        StagedOutputs.Release(_staging);
        _done = true;
    }

    /// <summary>Removes what was written where it was not committed.</summary>
    public void Dispose()
    {
        if (_done) return;
        _done = true;
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // What a full disk did not take was to be thrown away.
        }
        finally
        {
            StagedOutputs.Discard(_staging);
        }
    }
}
