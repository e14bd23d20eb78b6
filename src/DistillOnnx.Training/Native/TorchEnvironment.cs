using System.Runtime.InteropServices;

namespace DistillOnnx.Training.Native;

/// <summary>
/// Variables that libtorch reads from its environment, where neither the user nor the system has set them. Must run before libtorch is
/// loaded.
/// </summary>
/// <remarks>
/// <para>
/// How worker threads wait between operations: GNU's OpenMP lets them spin, which gains a tenth to a quarter on an idle machine and is
/// ruinous on a shared one: with one other busy process on two cores, encoding one input with t5-small took six times as long as with
/// threads that sleep at once. Who has a machine alone sets <c>OMP_WAIT_POLICY=ACTIVE</c>.
/// </para>
/// <para>
/// TorchScript's fuser compiles kernels for the shapes that it saw first, on a GPU while training waits. <c>PYTORCH_TENSOREXPR=1</c> lets
/// it.
/// </para>
/// </remarks>
internal static partial class TorchEnvironment
{
    /// <summary>Sets what is not set.</summary>
    public static void SetDefaults()
    {
        if (!OperatingSystem.IsLinux()) return;
        if (Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is null) SetDefault("OMP_WAIT_POLICY", "PASSIVE");
        SetDefault("PYTORCH_TENSOREXPR", "0");
    }

    // .NET's own variables are a copy: native code reads the C library's.
    private static void SetDefault(string name, string value)
    {
        if (Environment.GetEnvironmentVariable(name) is null) _ = SetEnvironment(name, value, overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
