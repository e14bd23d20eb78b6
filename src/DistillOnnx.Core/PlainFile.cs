namespace DistillOnnx.Core;

/// <summary>Reads whole files of a checkpoint or dataset directory, so that a pipe or a device among them cannot block or run on.</summary>
internal static class PlainFile
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="longest">Most bytes that such a file has.</param>
    /// <param name="shown">Its name in messages; null: its path.</param>
    /// <exception cref="InputException">It is missing, empty, longer, a git-lfs pointer or no regular file, or cannot be read.</exception>
    public static byte[] Read(string path, long longest, string? shown = null)
    {
        shown ??= path;
        try
        {
            var file = Require(path, shown);
            if (file.Length > longest) throw new InputException($"{shown}: expected at most {longest} bytes, found {file.Length}");
            var bytes = File.ReadAllBytes(file.FullName);
            if (bytes.AsSpan().StartsWith("version https://git-lfs"u8))
                throw new InputException($"{shown}: found a git-lfs pointer: fetch the file itself");
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{shown}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Refuses what is no regular file with content, without opening it: opening a pipe waits for its writer.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="shown">Its name in messages.</param>
    /// <returns>The file behind all links.</returns>
    /// <exception cref="InputException">It is missing, empty or no regular file.</exception>
    /// <exception cref="IOException">Its links cannot be followed.</exception>
    public static FileInfo Require(string path, string shown)
    {
        var file = new FileInfo(path);
        if (file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target) file = target;
        if (!file.Exists) throw new InputException($"{shown}: no such file");

        // Pipes and devices report no length.
        return file.Length > 0
            ? file
            : throw new InputException($"{shown}: expected a plain file with content, found an empty one, a pipe or a device");
    }
}
