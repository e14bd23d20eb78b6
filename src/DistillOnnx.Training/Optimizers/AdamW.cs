using DistillOnnx.Training.Engines.Kernels;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Optimizers;

/// <summary>
/// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) over one flat stretch of weights: on the CPU a single pass over memory, on other
/// devices a handful of operations whatever the number of parameters (a handful a parameter where rates are scaled). Decay applies to
/// every weight.
/// </summary>
internal sealed class AdamW : IOptimizer
{
    private readonly Tensor _mean;
    private readonly Tensor _square;
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;
    private readonly double _weightDecay;
    private readonly long[]? _scaled;

    /// <param name="weights">The weights that will be updated: float32 [parameters].</param>
    /// <param name="shapes">The shapes of the parameters, which lie end to end in the weights.</param>
    /// <param name="weightDecay">Share of a weight, times the learning rate, taken away a step.</param>
    /// <param name="scaleParameter">Whether a parameter's learning rate is multiplied with its <see cref="ParameterScale"/>.</param>
    /// <param name="beta1">Decay of the mean gradient.</param>
    /// <param name="beta2">Decay of the mean squared gradient.</param>
    /// <param name="epsilon">Added to the root of the mean square.</param>
    public AdamW(
        Tensor weights, IReadOnlyList<long[]> shapes, double weightDecay, bool scaleParameter = false, double beta1 = 0.9,
        double beta2 = 0.999, double epsilon = 1e-8)
    {
        _mean = zeros_like(weights, requires_grad: false).DetachFromDisposeScope();
        _square = zeros_like(weights, requires_grad: false).DetachFromDisposeScope();
        (_beta1, _beta2, _epsilon, _weightDecay) = (beta1, beta2, epsilon, weightDecay);
        _scaled = scaleParameter ? [.. shapes.Select(s => s.Aggregate(1L, (a, b) => a * b))] : null;
        State = new Dictionary<string, Tensor> { ["mean"] = _mean, ["square"] = _square };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <inheritdoc/>
    public void Step(Tensor weights, Tensor gradients, double gradientScale, double learningRate, int step)
    {
        if (_scaled is null)
        {
            Update(weights, gradients, 0, weights.numel(), gradientScale, learningRate, step);
            return;
        }

        long offset = 0;
        foreach (var count in _scaled)
        {
            Update(weights, gradients, offset, count, gradientScale, learningRate, step);
            offset += count;
        }
    }

    private unsafe void Update(
        Tensor weights, Tensor gradients, long offset, long count, double gradientScale, double learningRate, int step)
    {
        var correction1 = 1 - Math.Pow(_beta1, step);
        var correction2 = Math.Sqrt(1 - Math.Pow(_beta2, step));
        if (weights.device_type == TorchSharp.DeviceType.CPU)
        {
            var at = Pointers.Of(weights) + offset;
            if (_scaled is not null) learningRate *= ParameterScale.Of(at, count);
            FlatKernels.AdamW(
                at, Pointers.Of(gradients) + offset, Pointers.Of(_mean) + offset, Pointers.Of(_square) + offset, count,
                (float)gradientScale, (float)_beta1, (float)_beta2, (float)(1 / correction2), (float)_epsilon,
                (float)(learningRate / correction1), (float)(1 - learningRate * _weightDecay));
            return;
        }

        using var scope = NewDisposeScope();
        using var off = no_grad();
        Tensor Part(Tensor whole) => whole.narrow(0, offset, count);
        var (weight, gradient, mean, square) = (Part(weights), Part(gradients), Part(_mean), Part(_square));
        if (gradientScale != 1) gradient.mul_(gradientScale);
        mean.lerp_(gradient, 1 - _beta1);
        square.mul_(_beta2).addcmul_(gradient, gradient, 1 - _beta2);
        var root = square.sqrt().div_(correction2).add_(_epsilon);
        if (_scaled is not null)
        {
            // The scale stays on the device: fetching it would make every parameter wait.
            var scale = ParameterScale.Of(weight);
            root.div_(scale);
            if (_weightDecay != 0) weight.mul_(scale.mul_(-learningRate * _weightDecay).add_(1));
        }
        else if (_weightDecay != 0)
        {
            weight.mul_(1 - learningRate * _weightDecay);
        }

        weight.addcdiv_(mean, root, -learningRate / correction1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _mean.Dispose();
        _square.Dispose();
    }
}
