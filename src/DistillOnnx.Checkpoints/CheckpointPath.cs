using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// Where the files of a checkpoint directory really are. Links may not lead out of the directory, so that a checkpoint from
/// elsewhere cannot have other files read; the one exception is the download cache of the Hugging Face hub, whose
/// <c>snapshots/REVISION</c> directories hold nothing but links into <c>blobs</c> beside them.
/// </summary>
internal static class CheckpointPath
{
    private const int MostLinks = 40;

    /// <summary>The real path of a file of a directory.</summary>
    /// <param name="directory">The checkpoint directory.</param>
    /// <param name="name">A plain file name.</param>
    /// <exception cref="InputException">The name is a path, or the file is a link that leads elsewhere.</exception>
    public static string Resolve(string directory, string name)
    {
        if (name.Length is 0 or > 255 || name is "." or ".." || name.AsSpan().ContainsAny("/\\:\0") || Path.GetFileName(name) != name)
            throw new InputException($"{directory}: expected a plain file name within the directory, found \"{InputText.Show(name)}\"");
        var root = Real(Path.GetFullPath(directory));
        var path = Real(Path.Combine(root, name));
        var parent = Path.GetDirectoryName(path);
        return parent == root || IsWithin(path, root) || parent == Blobs(root)
            ? path
            : throw new InputException(
                $"{Path.Combine(directory, name)}: expected a file within the directory, found a link that leads to "
                    + $"{InputText.Show(path)}");
    }

    /// <summary>The real path of a directory within a directory; null where there is none, or it leads out.</summary>
    /// <param name="directory">The outer directory.</param>
    /// <param name="relative">The inner one, relative to it.</param>
    public static string? ResolveDirectory(string directory, string relative)
    {
        var root = Real(Path.GetFullPath(directory));
        var path = Real(Path.Combine(root, relative));
        return (path == root || IsWithin(path, root)) && Directory.Exists(path) ? path : null;
    }

    /// <summary>Whether the directory has a file, or a link, of this name.</summary>
    public static bool Exists(string directory, string name)
    {
        var path = Path.Combine(directory, name);
        return File.Exists(path) || new FileInfo(path).LinkTarget is not null;
    }

    private static bool IsWithin(string path, string root) =>
        path.StartsWith(Path.TrimEndingDirectorySeparator(root) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static string? Blobs(string root)
    {
        var snapshots = Path.GetDirectoryName(root);
        return snapshots is not null && Path.GetFileName(snapshots) == "snapshots" && Path.GetDirectoryName(snapshots) is { } hub
            ? Path.Combine(hub, "blobs")
            : null;
    }

    private static string Real(string path)
    {
        var links = 0;
        var root = Path.GetPathRoot(path)!;
        var real = root;
        var rest = new Stack<string>(
            path[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse());
        while (rest.TryPop(out var part))
        {
            if (part == ".") continue;
            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? root;
                continue;
            }

            var next = Path.Combine(real, part);
            var target = new FileInfo(next).LinkTarget;
            if (target is null)
            {
                real = next;
                continue;
            }

            if (++links > MostLinks) throw new InputException($"{path}: too many links, one of them perhaps to itself");
            if (Path.IsPathRooted(target)) real = root = Path.GetPathRoot(target)!;
            var below = Path.IsPathRooted(target) ? target[root.Length..] : target;
            foreach (var p in below.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
                rest.Push(p);
        }

        return real;
    }
}
