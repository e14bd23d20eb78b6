namespace DistillOnnx.Core.IO;

/// <summary>
/// A directory that appears whole or not at all: files are written to a hidden sibling, which <see cref="Commit"/> renames
/// into place. Disposing without a commit removes what was written and leaves an earlier output as it was.
/// </summary>
public sealed class OutputDirectory : IDisposable
{
    private readonly bool _overwrite;
    private bool _done;

    private OutputDirectory(string target, string staging, bool overwrite)
    {
        Target = target;
        Path = staging;
        _overwrite = overwrite;
    }

    /// <summary>Where the output will stand.</summary>
    public string Target { get; }

    /// <summary>Where files are written until then.</summary>
    public string Path { get; }

    /// <summary>Checks the target and opens a staging directory beside it.</summary>
    /// <param name="target">Where the output will stand.</param>
    /// <param name="overwrite">Whether an existing output may be replaced.</param>
    /// <exception cref="InputException">The target exists and may not be replaced, or cannot be written.</exception>
    public static OutputDirectory Create(string target, bool overwrite = false)
    {
        target = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(target));
        Require(target, overwrite);
        var parent = System.IO.Path.GetDirectoryName(target)
            ?? throw new InputException($"{target}: a file system root cannot be an output directory");
        var staging = System.IO.Path.Combine(parent, $".{System.IO.Path.GetFileName(target)}.{Environment.ProcessId}-{Guid.NewGuid():N}.partial");
        try
        {
            Directory.CreateDirectory(staging);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{target}: cannot be written: {e.Message}", e);
        }

        return new OutputDirectory(target, staging, overwrite);
    }

    /// <summary>Checks that an output may be put at a path, before any work is spent.</summary>
    /// <param name="target">Where the output would stand.</param>
    /// <param name="overwrite">Whether an existing output may be replaced.</param>
    /// <exception cref="InputException">The target exists and may not be replaced, or is a file.</exception>
    public static void Require(string target, bool overwrite)
    {
        if (File.Exists(target)) throw new InputException($"{target}: expected a directory for the output, found a file");
        if (!overwrite && Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new InputException($"{target}: exists already; choose another output or pass --overwrite");
    }

    /// <summary>A path within the output, for writing.</summary>
    /// <param name="name">File name, or a relative path whose directories are created.</param>
    public string FilePath(string name)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        return path;
    }

    /// <summary>Puts the output in place, in place of an earlier one where that was allowed.</summary>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(_done, this);
        string? old = null;
        if (Directory.Exists(Target))
        {
            Require(Target, _overwrite);
            old = Path + ".old";
            Directory.Move(Target, old);
        }

        try
        {
            Directory.Move(Path, Target);
        }
        catch when (old is not null)
        {
            Directory.Move(old, Target);
            throw;
        }

        _done = true;
        if (old is not null) Directory.Delete(old, recursive: true);
    }

    /// <summary>Removes what was written where it was not committed.</summary>
    public void Dispose()
    {
        if (_done) return;
        _done = true;
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
    }
}
