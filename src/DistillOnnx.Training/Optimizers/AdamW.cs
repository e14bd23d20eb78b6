using DistillOnnx.Training.Engines.Kernels;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Optimizers;

/// <summary>
/// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) over one flat stretch of weights: on the CPU a single pass over memory, on other
/// devices a handful of operations whatever the number of parameters. Decay applies to every weight.
/// </summary>
internal sealed class AdamW : IOptimizer
{
    private readonly Tensor _mean;
    private readonly Tensor _square;
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;
    private readonly double _weightDecay;
    private readonly bool _scripted;
    private readonly long[]? _scaled;
    private readonly Tensor? _counts;
    private readonly Tensor? _roots;

    /// <param name="weights">The weights that will be updated: float32 [parameters].</param>
    /// <param name="shapes">The shapes of the parameters, which lie end to end in the weights.</param>
    /// <param name="weightDecay">Share of a weight, times the learning rate, taken away a step.</param>
    /// <param name="scaleParameter">Whether a parameter's learning rate is multiplied with its <see cref="ParameterScale"/>.</param>
    /// <param name="beta1">Decay of the mean gradient.</param>
    /// <param name="beta2">Decay of the mean squared gradient.</param>
    /// <param name="epsilon">Added to the root of the mean square.</param>
    /// <param name="scripted">Whether the update runs in TorchScript; null: on every device but the CPU.</param>
    public AdamW(
        Tensor weights, IReadOnlyList<long[]> shapes, double weightDecay, bool scaleParameter = false, double beta1 = 0.9,
        double beta2 = 0.999, double epsilon = 1e-8, bool? scripted = null)
    {
        _mean = zeros_like(weights, requires_grad: false).DetachFromDisposeScope();
        _square = zeros_like(weights, requires_grad: false).DetachFromDisposeScope();
        (_beta1, _beta2, _epsilon, _weightDecay) = (beta1, beta2, epsilon, weightDecay);
        _scripted = scripted ?? weights.device_type != TorchSharp.DeviceType.CPU;
        _scaled = scaleParameter ? [.. shapes.Select(s => s.Aggregate(1L, (a, b) => a * b))] : null;
        if (_scripted && _scaled is not null)
        {
            _counts = tensor(_scaled, device: weights.device).DetachFromDisposeScope();
            _roots = tensor(_scaled.Select(c => (float)Math.Sqrt(c)).ToArray(), device: weights.device).DetachFromDisposeScope();
        }

        State = new Dictionary<string, Tensor> { ["mean"] = _mean, ["square"] = _square };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <inheritdoc/>
    public void Step(Tensor weights, Tensor gradients, double gradientScale, double learningRate, int step)
    {
        if (_scripted)
        {
            StepInScript(weights, gradients, gradientScale, learningRate, step);
            return;
        }

        long offset = 0;
        foreach (var count in _scaled ?? [weights.numel()])
        {
            Update(weights, gradients, offset, count, gradientScale, learningRate, step);
            offset += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _mean.Dispose();
        _square.Dispose();
        _counts?.Dispose();
        _roots?.Dispose();
    }

    private void StepInScript(Tensor weights, Tensor gradients, double gradientScale, double learningRate, int step)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        if (gradientScale != 1) gradients.MultiplyInPlace(gradientScale);
        if (_scaled is null)
        {
            TorchScript.AdamW.Invoke(
                "update", One(weights), One(gradients), One(_mean), One(_square), step, learningRate, _beta1, _beta2, _weightDecay,
                _epsilon);
            return;
        }

        var parameters = new Tensor[_scaled.Length];
        long offset = 0;
        for (var i = 0; i < parameters.Length; i++)
        {
            parameters[i] = weights.narrow(0, offset, _scaled[i]);
            offset += _scaled[i];
        }

        TorchScript.AdamW.Invoke(
            "update_scaled", parameters, _counts!, _roots!, ParameterScale.Least, weights, gradients, _mean, _square, learningRate, _beta1,
            _beta2, Correction1(step), Correction2(step), _weightDecay, _epsilon);
    }

    private unsafe void Update(
        Tensor weights, Tensor gradients, long offset, long count, double gradientScale, double learningRate, int step)
    {
        var at = Pointers.Of(weights) + offset;
        if (_scaled is not null) learningRate *= ParameterScale.Of(at, count);
        FlatKernels.AdamW(
            at, Pointers.Of(gradients) + offset, Pointers.Of(_mean) + offset, Pointers.Of(_square) + offset, count,
            (float)gradientScale, (float)_beta1, (float)_beta2, (float)(1 / Correction2(step)), (float)_epsilon,
            (float)(learningRate / Correction1(step)), (float)(1 - learningRate * _weightDecay));
    }

    private static Tensor[] One(Tensor tensor) => [tensor];

    private double Correction1(int step) => 1 - Math.Pow(_beta1, step);

    private double Correction2(int step) => Math.Sqrt(1 - Math.Pow(_beta2, step));
}
