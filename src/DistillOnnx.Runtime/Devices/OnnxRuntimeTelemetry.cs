using System.Runtime.CompilerServices;
using DistillOnnx.Core.Native;

namespace DistillOnnx.Runtime.Devices;

/// <summary>
/// Turns off what ONNX Runtime's builds send to their maker by default: events to a host on the internet, under a device id
/// that they keep below the home directory. The native library reads <c>ORT_DISABLE_TELEMETRY</c> once, when it is first
/// used, so this runs when this assembly is first used. Who wants the telemetry sets that variable to <c>0</c>.
/// </summary>
public static class OnnxRuntimeTelemetry
{
    /// <summary>The environment variable: <c>0</c> lets ONNX Runtime send telemetry, everything else and nothing at all does not.</summary>
    public const string Variable = TelemetrySwitch.Variable;

    /// <summary>
    /// Turns telemetry off unless the environment asks for it. Call this before ONNX Runtime's first use where a program uses
    /// it by itself before it uses this assembly. May be called more than once and from several threads.
    /// </summary>
    public static void Apply() => TelemetrySwitch.Apply();

#pragma warning disable CA2255 // The variable must be there before the native library's first use, whichever type a program uses first.
    [ModuleInitializer]
    internal static void Initialize() => Apply();
#pragma warning restore CA2255
}
