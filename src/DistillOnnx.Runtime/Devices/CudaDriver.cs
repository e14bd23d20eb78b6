using System.Runtime.InteropServices;

namespace DistillOnnx.Runtime.Devices;

/// <summary>
/// Whether an NVIDIA driver is installed. A CUDA build of ONNX Runtime lists its CUDA provider on machines without a GPU
/// too, so <c>auto</c> asks the driver before it takes it.
/// </summary>
internal static class CudaDriver
{
    /// <summary>The driver's library.</summary>
    public static string FileName => OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";

    public static bool IsPresent()
    {
        if (!NativeLibrary.TryLoad(FileName, out var handle)) return false;
        NativeLibrary.Free(handle);
        return true;
    }
}
