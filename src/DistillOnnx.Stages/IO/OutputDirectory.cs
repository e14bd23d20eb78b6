using DistillOnnx.Core;

namespace DistillOnnx.Stages.IO;

/// <summary>
/// A directory that appears whole or not at all: files are written to a hidden sibling, which <see cref="Commit"/> renames
/// into place. Disposing without a commit removes what was written and leaves an earlier output as it was.
/// </summary>
public sealed class OutputDirectory : IDisposable
{
    private const string Suffix = ".partial";
    private readonly bool _overwrite;
    private bool _done;

    private OutputDirectory(string target, string staging, bool overwrite)
    {
        Target = target;
        Path = staging;
        _overwrite = overwrite;
    }

    /// <summary>Path of the output.</summary>
    public string Target { get; }

    /// <summary>Where files are written until then.</summary>
    public string Path { get; }

    /// <summary>Checks the target and opens a staging directory beside it.</summary>
    /// <param name="target">Path of the output.</param>
    /// <param name="overwrite">Whether an existing output may be replaced.</param>
    /// <exception cref="InputException">The target exists and may not be replaced, or cannot be written.</exception>
    public static OutputDirectory Create(string target, bool overwrite = false)
    {
        target = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(target));
        RequireFree(target, overwrite);
        var parent = System.IO.Path.GetDirectoryName(target)
            ?? throw new InputException($"{target}: a file system root cannot be an output directory");
        var prefix = $".{System.IO.Path.GetFileName(target)}.{Environment.MachineName}-";
        var staging = System.IO.Path.Combine(parent, $"{prefix}{Environment.ProcessId}-{Guid.NewGuid():N}{Suffix}");
        try
        {
            Directory.CreateDirectory(staging);
            DeleteLeftovers(parent, prefix);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(target, e);
        }

        return new OutputDirectory(target, staging, overwrite);
    }

    /// <summary>Checks that an output may be put at a path, before any work is spent: tries to write beside it and
    /// leaves nothing.</summary>
    /// <param name="target">Path of the output.</param>
    /// <param name="overwrite">Whether an existing output may be replaced.</param>
    /// <exception cref="InputException">The target exists and may not be replaced, is a file, or cannot be written.</exception>
    public static void Require(string target, bool overwrite)
    {
        RequireFree(target, overwrite);
        var parent = System.IO.Path.GetDirectoryName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(target)));
        while (parent is not null && !Directory.Exists(parent) && !File.Exists(parent)) parent = System.IO.Path.GetDirectoryName(parent);
        if (parent is null) throw new InputException($"{target}: a file system root cannot be an output directory");
        try
        {
            Directory.Delete(Directory.CreateDirectory(System.IO.Path.Combine(parent, $".{Guid.NewGuid():N}{Suffix}")).FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(target, e);
        }
    }

    private static void RequireFree(string target, bool overwrite)
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
    /// <exception cref="InputException">Another process wrote to the target, or the file system refuses.</exception>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(_done, this);
        try
        {
            if (!Directory.Exists(Target))
            {
                Directory.Move(Path, Target);
            }
            else
            {
                RequireFree(Target, _overwrite);
                Replace();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(Target, e);
        }

        _done = true;
    }

    /// <summary>Removes what was written where it was not committed.</summary>
    public void Dispose()
    {
        if (_done) return;
        _done = true;
        Delete(Path);
    }

    private void Replace()
    {
        // Where the system can exchange two names in one step, there is no moment without an output.
        if (FileExchange.TryExchange(Path, Target))
        {
            Delete(Path);
            return;
        }

        var old = Path + ".old";
        Directory.Move(Target, old);
        try
        {
            Directory.Move(Path, Target);
        }
        catch
        {
            Directory.Move(old, Target);
            throw;
        }

        Delete(old);
    }

    // The system's message names the temporary path, and a missing part where a file blocks the path.
    internal static InputException Unwritable(string target, Exception e)
    {
        var parent = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(target));
        for (var at = parent; at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            if (File.Exists(at)) return new InputException($"{target}: cannot be written: {at} is a file", e);
        }

        return new InputException(
            $"{target}: cannot be written: {(e is DirectoryNotFoundException ? $"there is no directory {parent}" : e.Message)}", e);
    }

    // A process that was killed could not clean up; the process id in the directory's name shows that it no longer runs.
    private static void DeleteLeftovers(string parent, string prefix)
    {
        foreach (var path in Directory.EnumerateDirectories(parent, prefix + "*" + Suffix))
        {
            var rest = System.IO.Path.GetFileName(path)[prefix.Length..];
            if (int.TryParse(rest.AsSpan(0, Math.Max(0, rest.IndexOf('-'))), out var process) && !IsRunning(process)) Delete(path);
        }
    }

    private static bool IsRunning(int process)
    {
        try
        {
            using var found = System.Diagnostics.Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    // What cannot be deleted is hidden and harmless, and no reason to fail what succeeded.
    private static void Delete(string path)
    {
        try
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
