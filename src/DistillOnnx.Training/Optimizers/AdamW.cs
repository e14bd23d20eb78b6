using DistillOnnx.Training.Engines.Kernels;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Optimizers;

/// <summary>
/// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) over one flat stretch of weights: on the CPU a single pass over memory, on other
/// devices a handful of operations whatever the number of parameters. Decay applies to every weight.
/// </summary>
public sealed class AdamW : IOptimizer
{
    private readonly Tensor _mean;
    private readonly Tensor _square;
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;
    private readonly double _weightDecay;

    /// <param name="weights">The weights that will be updated: float32 [parameters].</param>
    /// <param name="weightDecay">Share of a weight, times the learning rate, taken away a step.</param>
    /// <param name="beta1">Decay of the mean gradient.</param>
    /// <param name="beta2">Decay of the mean squared gradient.</param>
    /// <param name="epsilon">Added to the root of the mean square.</param>
    public AdamW(Tensor weights, double weightDecay, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    {
        _mean = zeros_like(weights, requires_grad: false).DetachFromDisposeScope();
        _square = zeros_like(weights, requires_grad: false).DetachFromDisposeScope();
        (_beta1, _beta2, _epsilon, _weightDecay) = (beta1, beta2, epsilon, weightDecay);
        State = new Dictionary<string, Tensor> { ["mean"] = _mean, ["square"] = _square };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <inheritdoc/>
    public unsafe void Step(Tensor weights, Tensor gradients, double gradientScale, double learningRate, int step)
    {
        var correction1 = 1 - Math.Pow(_beta1, step);
        var correction2 = Math.Sqrt(1 - Math.Pow(_beta2, step));
        if (weights.device_type == TorchSharp.DeviceType.CPU)
        {
            FlatKernels.AdamW(
                Pointers.Of(weights), Pointers.Of(gradients), Pointers.Of(_mean), Pointers.Of(_square), weights.numel(), (float)gradientScale,
                (float)_beta1, (float)_beta2, (float)(1 / correction2), (float)_epsilon, (float)(learningRate / correction1), (float)(1 - learningRate * _weightDecay));
            return;
        }

        using var scope = NewDisposeScope();
        using var off = no_grad();
        if (gradientScale != 1) gradients.mul_(gradientScale);
        _mean.lerp_(gradients, 1 - _beta1);
        _square.mul_(_beta2).addcmul_(gradients, gradients, 1 - _beta2);
        var root = _square.sqrt().div_(correction2).add_(_epsilon);
        if (_weightDecay != 0) weights.mul_(1 - learningRate * _weightDecay);
        weights.addcdiv_(_mean, root, -learningRate / correction1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _mean.Dispose();
        _square.Dispose();
    }
}
