using System.Runtime.InteropServices;

namespace DistillOnnx.Stages.IO;

/// <summary>Exchanges two paths in one step, which Linux can do and .NET has no call for.</summary>
internal static partial class FileExchange
{
    private const int CurrentDirectory = -100;
    private const uint Exchange = 2;

    /// <summary>Exchanges the files or directories at two paths of one file system.</summary>
    /// <returns>False where the system or the file system cannot; nothing has changed then.</returns>
    public static bool TryExchange(string a, string b)
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            return RenameAt2(CurrentDirectory, a, CurrentDirectory, b, Exchange) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt2(int oldDirectory, string oldPath, int newDirectory, string newPath, uint flags);
}
