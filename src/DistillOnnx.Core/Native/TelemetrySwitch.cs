using System.Runtime.InteropServices;

namespace DistillOnnx.Core.Native;

/// <summary>
/// Turns off what ONNX Runtime's builds send to their maker by default. It stands here because two projects bring that library: the
/// one that labels texts, and the teachers by way of ONNX Runtime GenAI.
/// </summary>
internal static partial class TelemetrySwitch
{
    /// <summary>The environment variable: <c>0</c> lets ONNX Runtime send telemetry, everything else and nothing at all does not.</summary>
    public const string Variable = "ORT_DISABLE_TELEMETRY";

    private static readonly Lock Gate = new();

    /// <summary>
    /// Turns telemetry off unless the environment asks for it. The native library reads the variable once, at its first use.
    /// </summary>
    public static void Apply()
    {
        lock (Gate) Set(Environment.GetEnvironmentVariable(Variable) == "0" ? null : "1");
    }

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
