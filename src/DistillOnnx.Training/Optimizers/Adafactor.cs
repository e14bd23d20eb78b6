using static TorchSharp.torch;

namespace DistillOnnx.Training.Optimizers;

/// <summary>
/// Adafactor (Shazeer and Stern 2018, arXiv:1804.04235) with an outer learning rate instead of relative steps, and no first moment. A
/// matrix keeps the means of its rows and columns instead of every squared gradient.
/// </summary>
internal sealed class Adafactor : IOptimizer
{
    private const double DecayRate = -0.8;
    private const double Epsilon = 1e-30;
    private const double ClipThreshold = 1;

    private readonly IReadOnlyList<long[]> _shapes;
    private readonly double _weightDecay;
    private readonly bool _scaleParameter;
    private readonly Tensor _rows;
    private readonly Tensor _columns;

    /// <param name="weights">The weights that will be updated: float32 [parameters].</param>
    /// <param name="shapes">The shapes of the parameters, which lie end to end in the weights.</param>
    /// <param name="weightDecay">Share of a weight, times the learning rate, taken away a step.</param>
    /// <param name="scaleParameter">Whether a parameter's learning rate is multiplied with its <see cref="ParameterScale"/>.</param>
    public Adafactor(Tensor weights, IReadOnlyList<long[]> shapes, double weightDecay, bool scaleParameter = false)
    {
        (_shapes, _weightDecay, _scaleParameter) = (shapes, weightDecay, scaleParameter);

        // A vector's full second moments stand among the rows.
        _rows = zeros(shapes.Sum(s => s[0]), dtype: ScalarType.Float32, device: weights.device).DetachFromDisposeScope();
        _columns = zeros(Math.Max(1, shapes.Sum(s => s.Length == 2 ? s[1] : 0)), dtype: ScalarType.Float32, device: weights.device)
            .DetachFromDisposeScope();
        State = new Dictionary<string, Tensor> { ["rows"] = _rows, ["columns"] = _columns };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <inheritdoc/>
    public void Step(Tensor weights, Tensor gradients, double gradientScale, double learningRate, int step)
    {
        using var off = no_grad();
        var keep = 1 - Math.Pow(step, DecayRate);
        long offset = 0, rowOffset = 0, columnOffset = 0;
        foreach (var shape in _shapes)
        {
            using var scope = NewDisposeScope();
            var count = shape.Length == 2 ? shape[0] * shape[1] : shape[0];
            var weight = weights.narrow(0, offset, count).view(shape);
            var gradient = gradients.narrow(0, offset, count).view(shape);
            if (gradientScale != 1) gradient.mul_(gradientScale);
            var square = gradient.square().add_(Epsilon);
            var row = _rows.narrow(0, rowOffset, shape[0]);
            Tensor update;
            if (shape.Length == 2)
            {
                var column = _columns.narrow(0, columnOffset, shape[1]);
                row.mul_(keep).add_(square.mean([1L]), alpha: 1 - keep);
                column.mul_(keep).add_(square.mean([0L]), alpha: 1 - keep);
                update = (row / row.mean()).rsqrt_().unsqueeze(1) * column.rsqrt().unsqueeze(0);   // [rows, columns]
                columnOffset += shape[1];
            }
            else
            {
                row.mul_(keep).add_(square, alpha: 1 - keep);
                update = row.rsqrt();
            }

            update.mul_(gradient);
            var size = update.square().mean().sqrt_().div_(ClipThreshold).clamp_(min: 1.0);
            update.div_(size).mul_(learningRate);
            if (_scaleParameter)
            {
                var scale = ParameterScale.Of(weight);
                update.mul_(scale);
                if (_weightDecay != 0) weight.mul_(scale.mul_(-learningRate * _weightDecay).add_(1));
            }
            else if (_weightDecay != 0)
            {
                weight.mul_(1 - learningRate * _weightDecay);
            }

            weight.sub_(update);
            offset += count;
            rowOffset += shape[0];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _columns.Dispose();
    }
}
