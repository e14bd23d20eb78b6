using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistillOnnx.Runtime.Devices;

/// <summary>
/// Turns off what ONNX Runtime's builds send to their maker by default: events to a host on the internet, under a device id
/// that they keep below the home directory. The native library reads <c>ORT_DISABLE_TELEMETRY</c> once, when it is first
/// used, so this runs when this assembly is first used. Who wants the telemetry sets that variable to <c>0</c>.
/// </summary>
public static partial class OnnxRuntimeTelemetry
{
    /// <summary>The environment variable: <c>0</c> lets ONNX Runtime send telemetry, everything else and nothing at all does not.</summary>
    public const string Variable = "ORT_DISABLE_TELEMETRY";

    private static readonly Lock Gate = new();

    /// <summary>
    /// Turns telemetry off unless the environment asks for it. Call this before ONNX Runtime's first use where a program uses
    /// it by itself before it uses this assembly. May be called more than once and from several threads.
    /// </summary>
    public static void Apply()
    {
        lock (Gate) Set(Environment.GetEnvironmentVariable(Variable) == "0" ? null : "1");
    }

#pragma warning disable CA2255 // The variable must be there before the native library's first use, whichever type a program uses first.
    [ModuleInitializer]
    internal static void Initialize() => Apply();
#pragma warning restore CA2255

    private static void Set(string? value)
    {
        // .NET changes its own copy of the environment; on Unix, native code reads the process's.
        if (value is not null) Environment.SetEnvironmentVariable(Variable, value);
        if (OperatingSystem.IsWindows()) return;
        var failed = value is null ? UnsetVariable(Variable) : SetVariable(Variable, value, overwrite: 1);
        if (failed != 0) throw new InvalidOperationException($"{Variable} cannot be set: error {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int UnsetVariable(string name);
}
