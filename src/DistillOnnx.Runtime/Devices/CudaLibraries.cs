using DistillOnnx.Core;
using DistillOnnx.Core.Native;

namespace DistillOnnx.Runtime.Devices;

/// <summary>
/// Finds the CUDA libraries that ONNX Runtime's CUDA provider links to where only a PyTorch is installed. PyTorch's packages
/// lay them into folders of their own, where the system's loader does not look.
/// </summary>
internal static class CudaLibraries
{
    private const string Provider = "libonnxruntime_providers_cuda.so";
    private static readonly Lock Gate = new();
    private static bool _loaded;

    /// <summary>Loads them once, where a PyTorch is named; what it lacks is left to the system.</summary>
    /// <exception cref="InputException">One of them cannot be loaded.</exception>
    public static void Load()
    {
        if (!OperatingSystem.IsLinux() || LibTorchFolder.Path is not { } folder) return;
        if (SharedLibraries.Find(Provider) is not { } provider) return;
        lock (Gate)
        {
            if (_loaded) return;
            try
            {
                SharedLibraries.OpenNeeds(provider, LibTorchFolder.Libraries(folder));
                _loaded = true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException or InvalidDataException)
            {
                throw new InputException($"{folder}: the CUDA libraries of this PyTorch cannot be loaded: {e.Message}", e);
            }
        }
    }
}
