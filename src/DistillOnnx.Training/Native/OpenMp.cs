using System.Runtime.InteropServices;

namespace DistillOnnx.Training.Native;

/// <summary>
/// How libtorch's worker threads wait between operations. GNU's OpenMP lets them spin, which gains a tenth to a quarter on an
/// idle machine and is ruinous on a shared one: with one other busy process on two cores, encoding one input with t5-small took six
/// times as long as with threads that sleep at once. Who has a machine alone sets <c>OMP_WAIT_POLICY=ACTIVE</c>.
/// </summary>
internal static partial class OpenMp
{
    /// <summary>
    /// Asks for passive waiting, where neither the user nor the system has said how to wait. Must run before libtorch is loaded.
    /// </summary>
    public static void KeepIdleThreadsFromSpinning()
    {
        if (!OperatingSystem.IsLinux()) return;
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null
            || Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is not null) return;

        // .NET's own variables are a copy: native code reads the C library's.
        _ = SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
