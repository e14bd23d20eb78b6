using System.Runtime.InteropServices;

namespace DistillOnnx.Runtime.Devices;

/// <summary>
/// Whether an NVIDIA driver is installed. A CUDA build of ONNX Runtime lists its CUDA provider on machines without a GPU
/// too, so <c>auto</c> asks the driver before it takes it.
/// </summary>
internal static class CudaDriver
{
    public static bool IsPresent()
    {
        var name = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";
        if (!NativeLibrary.TryLoad(name, out var handle)) return false;
        NativeLibrary.Free(handle);
        return true;
    }
}
