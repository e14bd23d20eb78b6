using System.Globalization;
using DistillOnnx.Core;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Devices;

/// <summary>A device that ONNX Runtime can use here.</summary>
/// <param name="Kind">Processor or GPU.</param>
/// <param name="Index">Which GPU, from 0; 0 for the processor.</param>
public readonly record struct RuntimeDevice(DeviceKind Kind, int Index = 0)
{
    private const string CudaProvider = "CUDAExecutionProvider";

    /// <summary>The processor.</summary>
    public static RuntimeDevice Cpu { get; } = new(DeviceKind.Cpu);

    /// <summary>Whether a text names a device: <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    /// <param name="text">The text.</param>
    public static bool IsWellFormed(string? text) => text is "auto" or "cpu" || TryParseCuda(text, out _);

    /// <summary>
    /// Picks the device that a text asks for. Asking for CUDA where this build of ONNX Runtime has none is an error, never
    /// a fall-back; <c>auto</c> takes CUDA where the build has it and the processor otherwise.
    /// </summary>
    /// <param name="text"><c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    /// <exception cref="InputException">The text names no device, or one that is not available.</exception>
    public static RuntimeDevice Resolve(string text) => Resolve(text, OrtEnv.Instance().GetAvailableProviders());

    internal static RuntimeDevice Resolve(string text, IReadOnlyCollection<string> providers)
    {
        var hasCuda = providers.Contains(CudaProvider, StringComparer.Ordinal);
        if (text == "cpu") return Cpu;
        if (text == "auto") return hasCuda && CudaDriver.IsPresent() ? new RuntimeDevice(DeviceKind.Cuda) : Cpu;
        if (!TryParseCuda(text, out var index)) throw new InputException($"device \"{text}\": expected auto, cpu or cuda:N");
        if (!hasCuda)
        {
            throw new InputException(
                $"device \"{text}\": this build of ONNX Runtime has no CUDA (it has {string.Join(", ", providers)}); build with "
                    + "-p:Accelerator=cuda, or use --device cpu");
        }

        return new RuntimeDevice(DeviceKind.Cuda, index);
    }

    /// <summary><c>cpu</c> or <c>cuda:N</c>.</summary>
    public override string ToString() => Kind == DeviceKind.Cpu ? "cpu" : string.Create(CultureInfo.InvariantCulture, $"cuda:{Index}");

    private static bool TryParseCuda(string? text, out int index)
    {
        index = 0;
        if (text == "cuda") return true;
        return text is not null && text.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(text.AsSpan("cuda:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out index)
            && index < 1024;
    }
}
