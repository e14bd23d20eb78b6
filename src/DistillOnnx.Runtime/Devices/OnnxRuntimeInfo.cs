using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Devices;

/// <summary>What the inference engine is, for reports.</summary>
public static class OnnxRuntimeInfo
{
    /// <summary>Version of the native library, which this loads.</summary>
    public static string Version => OrtEnv.Instance().GetVersionString();

    /// <summary>Execution providers that the native library was built with.</summary>
    public static IReadOnlyList<string> ExecutionProviders() => OrtEnv.Instance().GetAvailableProviders();
}
