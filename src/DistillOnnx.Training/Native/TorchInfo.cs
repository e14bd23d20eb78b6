using System.Reflection;
using TorchSharp;

namespace DistillOnnx.Training.Native;

/// <summary>What the training engine is, for reports.</summary>
public static class TorchInfo
{
    /// <summary>Version of the TorchSharp package.</summary>
    public static string Version =>
        typeof(torch).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    /// <summary>Loads libtorch and names the devices it can train on.</summary>
    /// <exception cref="Core.InputException">libtorch cannot be loaded on this system.</exception>
    public static IReadOnlyList<string> Devices()
    {
        LibTorch.Load();
        var devices = new List<string> { "cpu" };
        if (torch.TryInitializeDeviceType(DeviceType.CUDA) && torch.cuda.is_available())
        {
            for (var i = 0; i < torch.cuda.device_count(); i++) devices.Add($"cuda:{i}");
        }

        return devices;
    }
}
