using DistillOnnx.Training.Engines.Kernels;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Optimizers;

/// <summary>Clipping by the global norm of the gradient (Pascanu, Mikolov and Bengio 2013).</summary>
internal static class GradientNorm
{
    /// <summary>The L2 norm over all parameters; not a number where any gradient is not.</summary>
    /// <param name="gradients">float32 [parameters].</param>
    public static unsafe double Of(Tensor gradients)
    {
        if (gradients.device_type == TorchSharp.DeviceType.CPU)
            return Math.Sqrt(FlatKernels.SumOfSquares(Pointers.Of(gradients), gradients.numel()));
        using var norm = gradients.norm();
        return norm.item<float>();
    }

    /// <summary>Cuts a gradient that exceeds a bound, without waiting for its device.</summary>
    /// <param name="gradients">float32 [parameters]; scaled in place.</param>
    /// <param name="bound">The largest norm allowed; 0: any.</param>
    /// <returns>The norm before: float32 [1], on the device.</returns>
    public static Tensor ClipOnDevice(Tensor gradients, double bound)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var norm = gradients.norm();
        if (bound > 0) gradients.mul_(norm.Plus(1e-6).reciprocal_().MultiplyInPlace(bound).AtMostInPlace(1));
        return norm.reshape(1).MoveToOuterDisposeScope().DetachFromDisposeScope();
    }

    /// <summary>What the gradient is multiplied with so that its norm does not exceed a bound.</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="bound">The largest allowed; 0: any.</param>
    public static double ClipScale(double norm, double bound) => bound > 0 && norm > bound ? bound / (norm + 1e-6) : 1;
}
