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
    /// <param name="name"><c>auto</c> takes a CUDA device where there is one, and says what it took.</param>
    /// <param name="reporter">Receives a message about what <c>auto</c> chose.</param>
    /// <param name="threads">Threads per operation on the CPU; null: libtorch's choice.</param>
    /// <param name="place">
    /// Place of this process among those of a run on this machine, from 0: where the name says no number, each takes a CUDA device of
    /// its own.
    /// </param>
    /// <exception cref="InputException">The name is not a device's, or CUDA was asked for where there is none.</exception>
    public static Device Select(string name, IReporter reporter, int? threads = null, int place = 0)
    {
        if (Validate(name) is { } fault) throw new InputException(fault);
        LibTorch.Load(threads);
        var index = name == "cpu" ? null : CudaIndex(name, place, CudaDevices());
        if (name == "auto")
            reporter.Info(index is null ? $"device: cpu, {get_num_threads()} threads (no CUDA device)" : $"device: cuda:{index}");
        return index is { } number ? new Device(DeviceType.CUDA, number) : CPU;
    }

    /// <summary>Which CUDA device a name stands for; null: the CPU.</summary>
    /// <param name="name"><c>auto</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    /// <param name="place">Place of this process among those of a run on this machine, from 0.</param>
    /// <param name="devices">How many CUDA devices there are.</param>
    /// <exception cref="InputException">There is no such device.</exception>
    internal static int? CudaIndex(string name, int place, int devices)
    {
        if (name == "auto" && devices == 0) return null;
        if (devices == 0)
            throw new InputException(
                $"device \"{name}\": this build or system has no CUDA device; pass --device cpu, or build with -p:Accelerator=cuda");
        if (!name.StartsWith("cuda:", StringComparison.Ordinal))
        {
            return place < devices
                ? place
                : throw new InputException(
                    $"device \"{name}\": process {place + 1} of a run on this machine, which shows it {devices} CUDA device(s); "
                    + "start one process a device, or name the device that each shall take (cuda:N)");
        }

        TryParseCuda(name, out var index);
        return index < devices
            ? index
            : throw new InputException($"device \"{name}\": the system has {devices} CUDA device(s), numbered from 0");
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
