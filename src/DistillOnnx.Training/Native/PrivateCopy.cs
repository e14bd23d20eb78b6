using System.Runtime.Versioning;
using System.Security.Cryptography;
using DistillOnnx.Core.Native;

namespace DistillOnnx.Training.Native;

/// <summary>
/// A library of our own making on disk, which is the only place the system loads one from. It lies in the user's cache
/// directory under a name that its content's hash is part of, so processes that run at once, versions and users never
/// meet in one file.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class PrivateCopy
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OthersMayWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Writes the library where it is not there yet, and loads it.</summary>
    /// <param name="fileName">The library's own file name.</param>
    /// <param name="library">Its content.</param>
    /// <returns>The native handle.</returns>
    /// <exception cref="IOException">No directory can be written to.</exception>
    /// <exception cref="DllNotFoundException">The system refuses the copy as well.</exception>
    public static IntPtr Load(string fileName, byte[] library)
    {
        if (CacheDirectory() is { } cache)
        {
            try
            {
                return SharedLibraries.Open(Place(cache, fileName, library));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A home that cannot be written to is usual in containers: a directory of this process's own serves as well.
            }
        }

        var directory = Directory.CreateTempSubdirectory("distillonnx-");
        try
        {
            // Once loaded, the file itself is no longer needed.
            return SharedLibraries.Open(Place(directory.FullName, fileName, library));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>Puts the library into a directory, whole or not at all, and returns its path.</summary>
    /// <param name="directory">An existing directory.</param>
    /// <param name="fileName">The library's own file name.</param>
    /// <param name="library">Its content.</param>
    internal static string Place(string directory, string fileName, byte[] library)
    {
        var path = Path.Combine(directory, $"{Convert.ToHexStringLower(SHA256.HashData(library))[..16]}-{fileName}");

        // The content is compared, not only the name: what a crash or a disk fault left behind is replaced.
        if (File.Exists(path) && !IsWritableByOthers(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(library)) return path;

        var partial = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.partial";
        try
        {
            using (var stream = new FileStream(
                partial, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
            {
                stream.Write(library);
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
            return path;
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>The user's cache directory for this, made on first use; null where there is none that only the user writes to.</summary>
    private static string? CacheDirectory()
    {
        // Specified by the XDG base directory specification, which wants an absolute path or none.
        var root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (!Path.IsPathFullyQualified(root ?? ""))
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            if (home.Length == 0) return null;
            root = Path.Combine(home, ".cache");
        }

        try
        {
            var directory = Directory.CreateDirectory(Path.Combine(root!, "distillonnx", "native"), OwnerOnly).FullName;
            return IsWritableByOthers(directory) ? null : directory;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsWritableByOthers(string path) => (File.GetUnixFileMode(path) & OthersMayWrite) != 0;
}
