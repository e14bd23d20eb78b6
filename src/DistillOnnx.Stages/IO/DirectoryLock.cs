using DistillOnnx.Core;

namespace DistillOnnx.Stages.IO;

/// <summary>Keeps an output that goes on to one process: a second one would mix its files with the first's.</summary>
public static class DirectoryLock
{
    /// <summary>Takes the lock, which ends with the process at the latest; its empty file stays.</summary>
    /// <param name="file">Path of its file, in an existing directory.</param>
    /// <returns>Releases the lock.</returns>
    /// <exception cref="InputException">Another process has it, or the file cannot be written.</exception>
    public static IDisposable Hold(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{file}: cannot be written: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new InputException($"{file}: cannot be opened: another run has it", e);
        }
    }
}
