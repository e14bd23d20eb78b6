using System.Runtime.InteropServices;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Whether CUDA's fused kernels can be used: they are called by private names of libtorch, so they are compared with plain operations
/// before the first step, on small tensors and with gradients.
/// </summary>
internal static class FusedKernels
{
    /// <summary>Compares.</summary>
    /// <param name="device">Where they would run.</param>
    /// <param name="type">Of queries, keys and values, and of products.</param>
    /// <param name="width">Of a head.</param>
    /// <returns>Null where they can be used; otherwise why not.</returns>
    public static string? WhyNot(Device device, ScalarType type, int width)
    {
        if (device.type == TorchSharp.DeviceType.CPU) return "they run on CUDA only";
        // The attention kernel's rows must begin at multiples of 16 bytes.
        if (width % 8 != 0) return $"heads of width {width} are no multiple of 8";
        try
        {
            var difference = Difference(device, type, width, KernelForm.Fused);
            var most = type == ScalarType.Float32 ? 1e-2 : 8e-2;
            return difference <= most
                ? null
                : FormattableString.Invariant($"they differ from plain operations by {difference:g3} of the largest value");
        }
        catch (ExternalException e)
        {
            return $"libtorch refuses them: {TorchScript.Fault(e)}";
        }
    }

    /// <summary>Largest difference of a form from plain operations, over the largest value.</summary>
    internal static double Difference(Device device, ScalarType type, int width, KernelForm form)
    {
        const int rows = 2, heads = 3, length = 32;
        using var scope = NewDisposeScope();
        using var off = no_grad();
        // Drawn on the CPU: TorchSharp makes no generators of other devices.
        Tensor Random(int seed, params long[] shape) => randn(shape, generator: new Generator((ulong)seed)).to(device);
        Tensor Heads(int seed) => Random(seed, rows, length, heads, width).to(type);
        var bias = Random(5, rows, heads, length, length);
        // Some keys are hidden, as padding is.
        bias.narrow(3, length - 4, 4).FillInPlace(T5.T5Model.MaskedScore);
        var scale = Math.Pow(width, -0.5);
        return TorchScript.Step(type).Invoke(
            "kernel_difference", Heads(1).Times(scale), Heads(2), Heads(3), bias, Heads(4), (int)KernelForm.PlainWithSums, (int)form)
            .item<float>();
    }
}
