using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Native;

/// <summary>Turns <c>--device auto|cpu|cuda:N</c> into a device, and never into another one than was asked for.</summary>
public static class Devices
{
    /// <summary>The faults of a device's name, for a stage's validation; loads nothing.</summary>
    /// <param name="name">What the user gave.</param>
    /// <returns>The fault, or null.</returns>
    public static string? Validate(string name) =>
        name is "auto" or "cpu" || TryParseCuda(name, out _) ? null : $"device must be auto, cpu, cuda or cuda:N, found \"{name}\"";

    /// <summary>Loads libtorch and picks the device.</summary>
    /// <param name="name"><c>auto</c> takes the first CUDA device where there is one, and says what it took.</param>
    /// <param name="reporter">Receives a message about what <c>auto</c> chose.</param>
    /// <param name="threads">Threads per operation on the CPU; null: libtorch's choice.</param>
    /// <exception cref="InputException">The name is not a device's, or CUDA was asked for where there is none.</exception>
    public static Device Select(string name, IReporter reporter, int? threads = null)
    {
        if (Validate(name) is { } fault) throw new InputException(fault);
        LibTorch.Load(threads);
        if (name == "cpu") return CPU;
        if (name == "auto")
        {
            var found = CudaDevices() > 0;
            reporter.Info(found ? "device: cuda:0" : $"device: cpu, {get_num_threads()} threads (no CUDA device)");
            return found ? new Device(DeviceType.CUDA, 0) : CPU;
        }

        TryParseCuda(name, out var index);
        var count = CudaDevices();
        if (count == 0)
            throw new InputException(
                $"device \"{name}\": this build or system has no CUDA device; pass --device cpu, or build with -p:Accelerator=cuda");
        if (index >= count) throw new InputException($"device \"{name}\": the system has {count} CUDA device(s), numbered from 0");
        return new Device(DeviceType.CUDA, index);
    }

    private static int CudaDevices() => TryInitializeDeviceType(DeviceType.CUDA) && cuda.is_available() ? cuda.device_count() : 0;

    private static bool TryParseCuda(string name, out int index)
    {
        index = 0;
        if (name == "cuda") return true;
        return name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan("cuda:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out index);
    }
}
