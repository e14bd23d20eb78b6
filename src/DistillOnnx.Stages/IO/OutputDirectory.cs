using DistillOnnx.Core;

namespace DistillOnnx.Stages.IO;

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
        if (System.IO.Path.GetDirectoryName(target) is null)
            throw new InputException($"{target}: a file system root cannot be an output directory");
        var staging = StagedOutputs.Reserve(target);
        try
        {
            Directory.CreateDirectory(staging);
            StagedOutputs.DeleteLeftovers(target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            StagedOutputs.Discard(staging);
            throw Unwritable(target, staging, e);
        }

        return new OutputDirectory(target, staging, overwrite);
    }

    /// <summary>Checks that an output may be put at a path, before any work is spent: tries to write beside it and
    /// leaves nothing.</summary>
    /// <param name="target">Path of the output.</param>
    /// <param name="overwrite">Whether an existing output may be replaced; only what holds nothing but files of outputs is one.</param>
    /// <param name="inputs">Files and directories that are read: none of them may be the output or lie in it.</param>
    /// <exception cref="InputException">The target exists and may not be replaced, is a file, or cannot be written.</exception>
    public static void Require(string target, bool overwrite, params IEnumerable<string?> inputs) =>
        Require(target, overwrite, null, inputs);

    /// <summary>Checks that an output may be put at a path, where a stage that takes <c>--report</c> may write its page into it.</summary>
    /// <param name="target">Path of the output.</param>
    /// <param name="overwrite">Whether an existing output may be replaced; only what holds nothing but files of outputs is one.</param>
    /// <param name="report">The page, which the run writes anew and which therefore may be replaced as well; null: none.</param>
    /// <param name="inputs">Files and directories that are read: none of them may be the output or lie in it.</param>
    /// <exception cref="InputException">The target exists and may not be replaced, is a file, or cannot be written.</exception>
    public static void Require(string target, bool overwrite, string? report, IEnumerable<string?> inputs)
    {
        RequireFree(target, overwrite);
        RequireApart(target, inputs);
        if (OutputNames.Foreign(target, report) is { } foreign)
            throw new InputException(
                $"{target}: holds {foreign}, which is no part of an output, and --overwrite would delete it; choose another output");
        var parent = System.IO.Path.GetDirectoryName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(target)));
        while (parent is not null && !Directory.Exists(parent) && !File.Exists(parent)) parent = System.IO.Path.GetDirectoryName(parent);
        if (parent is null) throw new InputException($"{target}: a file system root cannot be an output directory");
        var probe = System.IO.Path.Combine(parent, $".{Guid.NewGuid():N}.partial");
        try
        {
            Directory.Delete(Directory.CreateDirectory(probe).FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(target, probe, e);
        }
    }

    /// <summary>Whether an output is what is read, or a directory that holds it, by links or otherwise.</summary>
    /// <param name="target">Path of the output, a file or a directory, which need not exist.</param>
    /// <param name="input">A file or directory that is read, which need not exist.</param>
    public static bool IsOrHolds(string target, string input)
    {
        static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);
        if (!Exists(target) || !Exists(input)) return false;
        return WouldHold(target, input);
    }

    /// <summary>Whether a path is an output or lies in it, by links or otherwise.</summary>
    /// <param name="target">Path of the output, which need not exist.</param>
    /// <param name="path">The path, which need not exist.</param>
    public static bool WouldHold(string target, string path) => Lies(Resolved(path), Resolved(target));

    private static void RequireApart(string target, IEnumerable<string?> inputs)
    {
        if (inputs.FirstOrDefault(i => !string.IsNullOrEmpty(i) && IsOrHolds(target, i)) is { } input)
            throw new InputException($"{target}: is read as well ({input}); choose another output");
    }

    /// <summary>Whether a path is another one or lies within it, as the file system compares names.</summary>
    /// <param name="path">The path, links followed.</param>
    /// <param name="other">The other one, links followed.</param>
    internal static bool Lies(string path, string other)
    {
        var names = OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()
            ? StringComparison.OrdinalIgnoreCase
            : StringComparison.Ordinal;
        var separator = System.IO.Path.DirectorySeparatorChar;
        return $"{path}{separator}".StartsWith($"{other}{separator}", names);
    }

    /// <summary>A full path with every link on the way followed.</summary>
    /// <param name="path">The path, which need not exist.</param>
    internal static string Resolved(string path)
    {
        path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        if (System.IO.Path.GetDirectoryName(path) is not { } parent) return path;
        FileSystemInfo? item = Directory.Exists(path) ? new DirectoryInfo(path) : File.Exists(path) ? new FileInfo(path) : null;
        return item?.ResolveLinkTarget(returnFinalTarget: true) is { } target
            ? Resolved(target.FullName)
            : System.IO.Path.Join(Resolved(parent), System.IO.Path.GetFileName(path));
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
            throw Unwritable(Target, Path, e);
        }

        StagedOutputs.Release(Path);
        _done = true;
    }

    /// <summary>Removes what was written where it was not committed.</summary>
    public void Dispose()
    {
        if (_done) return;
        _done = true;
        StagedOutputs.Discard(Path);
    }

    private void Replace()
    {
        // Where the system can exchange two names in one step, there is no moment without an output.
        if (FileExchange.TryExchange(Path, Target))
        {
            StagedOutputs.Delete(Path);
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

        StagedOutputs.Delete(old);
    }

    /// <summary>
    /// The fault of an output that the system refuses, in the name that the user gave: the system's message has the hidden one, and does
    /// not say that a file blocks the path.
    /// </summary>
    /// <param name="target">Path of the output.</param>
    /// <param name="staging">The hidden path that was written to in its place.</param>
    /// <param name="e">What the system said.</param>
    internal static InputException Unwritable(string target, string staging, Exception e)
    {
        var parent = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(target));
        for (var at = parent; at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            if (File.Exists(at)) return new InputException($"{target}: cannot be written: {at} is a file", e);
        }

        var place = System.IO.Path.GetDirectoryName(staging);
        var reason = e is FileNotFoundException or DirectoryNotFoundException
            ? Directory.Exists(place) ? $"{place} takes no new files" : $"there is no directory {parent}"
            : e.Message.Replace(staging, target, StringComparison.Ordinal);
        return new InputException($"{target}: cannot be written: {reason}", e);
    }
}
