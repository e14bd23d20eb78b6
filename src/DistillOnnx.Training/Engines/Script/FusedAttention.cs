using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Whether CUDA's fused attention can be used: it is named by a private name of libtorch, so it is compared with plain products before the
/// first step, on small tensors and with gradients.
/// </summary>
internal static class FusedAttention
{
    /// <summary>Compares.</summary>
    /// <param name="device">Where it would run.</param>
    /// <param name="type">Of queries, keys and values.</param>
    /// <param name="width">Of a head.</param>
    /// <returns>Null where it can be used; otherwise why not.</returns>
    public static string? WhyNot(Device device, ScalarType type, int width)
    {
        if (device.type == TorchSharp.DeviceType.CPU) return "it runs on CUDA only";
        // The kernel's rows must begin at multiples of 16 bytes.
        if (width % 8 != 0) return $"heads of width {width} are no multiple of 8";
        try
        {
            var difference = Difference(device, type, width, AttentionForm.Fused);
            var most = type == ScalarType.Float32 ? 1e-2 : 8e-2;
            return difference <= most
                ? null
                : FormattableString.Invariant($"it differs from plain products by {difference:g3} of the largest value");
        }
        catch (ExternalException e)
        {
            return $"libtorch refuses it: {e.Message.Split('\n').Last(l => l.Trim().Length > 0).Trim()}";
        }
    }

    /// <summary>Largest difference of a form from plain products, over the largest value.</summary>
    internal static double Difference(Device device, ScalarType type, int width, AttentionForm form)
    {
        const int rows = 2, heads = 3, length = 32;
        using var scope = NewDisposeScope();
        using var off = no_grad();
        Tensor Random(int seed) => randn(
            [rows, length, heads, width], device: device, generator: new Generator((ulong)seed, device)).to(type).transpose(1, 2);
        var bias = randn([rows, heads, length, length], device: device, generator: new Generator(5, device));
        // Some keys are hidden, as padding is.
        bias.narrow(3, length - 4, 4).fill_(T5.T5Model.MaskedScore);
        var scale = Math.Pow(width, -0.5);
        return TorchScript.Step.Invoke(
            "attention_difference", Random(1) * scale, Random(2), Random(3), bias, Random(4), (int)AttentionForm.ProductsOfSums, (int)form)
            .item<float>();
    }
}
