using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>Where a tensor's values lie, for kernels that work on them in place.</summary>
internal static unsafe class Pointers
{
    /// <summary>The first value of a contiguous float32 tensor on the CPU; valid until the tensor is disposed.</summary>
    public static float* Of(Tensor tensor)
    {
        if (tensor.dtype != ScalarType.Float32 || tensor.device_type != TorchSharp.DeviceType.CPU || !tensor.is_contiguous())
            throw new ArgumentException(
                $"expected a contiguous float32 tensor on the CPU, found {tensor.dtype} on {tensor.device}", nameof(tensor));
        if (tensor.numel() == 0) return null;

        // A span holds 2 GB at most, so one over the first value serves for all.
        using var flat = tensor.detach();
        using var view = flat.view(-1);
        using var head = view.narrow(0, 0, 1);
        return (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(head.bytes));
    }
}
