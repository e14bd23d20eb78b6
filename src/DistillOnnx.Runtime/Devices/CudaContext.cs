using System.Runtime.InteropServices;
using DistillOnnx.Core.Prediction;

namespace DistillOnnx.Runtime.Devices;

/// <summary>
/// Copies to and from a GPU by the driver, whose interface is the same whatever version of CUDA ONNX Runtime was built for. ONNX Runtime
/// offers no copy into memory that a session reads in place.
/// </summary>
internal sealed partial class CudaContext
{
    private readonly nint _context;

    static CudaContext() => NativeLibrary.SetDllImportResolver(
        typeof(CudaContext).Assembly,
        (name, assembly, path) => name == Driver ? NativeLibrary.Load(CudaDriver.FileName, assembly, path) : 0);

    /// <param name="device">Which GPU.</param>
    public CudaContext(int device)
    {
        Check(Init(0), "cuInit");
        Check(DeviceGet(out var handle, device), "cuDeviceGet");
        // The context that CUDA's runtime, and so ONNX Runtime, uses too.
        Check(PrimaryContextRetain(out _context, handle), "cuDevicePrimaryCtxRetain");
    }

    /// <summary>Copies from pinned memory of the host.</summary>
    public void CopyToDevice(nint target, nint source, int bytes)
    {
        Check(SetCurrent(_context), "cuCtxSetCurrent");
        Check(HostToDevice(target, source, (nuint)bytes), "cuMemcpyHtoD");
    }

    /// <summary>Copies into pinned memory of the host.</summary>
    public void CopyToHost(nint target, nint source, int bytes)
    {
        Check(SetCurrent(_context), "cuCtxSetCurrent");
        Check(DeviceToHost(target, source, (nuint)bytes), "cuMemcpyDtoH");
    }

    private const string Driver = "distillonnx_cuda_driver";

    private static void Check(int status, string call)
    {
        if (status != 0) throw new InferenceException($"the CUDA driver refuses {call}: error {status}");
    }

    [LibraryImport(Driver, EntryPoint = "cuInit")]
    private static partial int Init(uint flags);

    [LibraryImport(Driver, EntryPoint = "cuDeviceGet")]
    private static partial int DeviceGet(out int device, int ordinal);

    [LibraryImport(Driver, EntryPoint = "cuDevicePrimaryCtxRetain")]
    private static partial int PrimaryContextRetain(out nint context, int device);

    [LibraryImport(Driver, EntryPoint = "cuCtxSetCurrent")]
    private static partial int SetCurrent(nint context);

    [LibraryImport(Driver, EntryPoint = "cuMemcpyHtoD_v2")]
    private static partial int HostToDevice(nint target, nint source, nuint bytes);

    [LibraryImport(Driver, EntryPoint = "cuMemcpyDtoH_v2")]
    private static partial int DeviceToHost(nint target, nint source, nuint bytes);
}
