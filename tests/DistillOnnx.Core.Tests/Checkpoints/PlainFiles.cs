using System.Diagnostics;

namespace DistillOnnx.Core.Tests.Checkpoints;

/// <summary>Makes what is no plain file.</summary>
internal static class PlainFiles
{
    /// <summary>Puts a named pipe, which nobody writes to, in place of a file.</summary>
    public static void WritePipe(string path)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "named pipes of this kind are of Unix");
        File.Delete(path);
        using var process = Process.Start("mkfifo", [path]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
