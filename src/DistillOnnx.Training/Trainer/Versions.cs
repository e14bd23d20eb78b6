using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace DistillOnnx.Training.Trainer;

/// <summary>The versions of what a checkpoint was made with.</summary>
internal static class Versions
{
    /// <summary>Name → version.</summary>
    public static JsonObject Describe() => new()
    {
        ["DistillOnnx"] = Of(typeof(Versions).Assembly),
        ["TorchSharp"] = Of(typeof(TorchSharp.torch).Assembly),
        ["runtime"] = RuntimeInformation.FrameworkDescription,
        ["system"] = RuntimeInformation.OSDescription,
    };

    private static string Of(Assembly assembly) =>
        (assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? assembly.GetName().Version?.ToString() ?? "unknown").Split('+')[0];
}
