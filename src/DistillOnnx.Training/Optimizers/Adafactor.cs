using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Optimizers;

/// <summary>
/// Adafactor (Shazeer and Stern 2018, arXiv:1804.04235) with an outer learning rate instead of relative steps, and no first moment. A
/// matrix keeps the means of its rows and columns instead of every squared gradient. Parameters that are alike are updated together, so
/// the number of operations does not depend on a model's depth.
/// </summary>
internal sealed class Adafactor : IOptimizer
{
    private const double DecayRate = -0.8;
    private const double Epsilon = 1e-30;
    private const double ClipThreshold = 1;

    private readonly IReadOnlyList<ParameterGroup> _groups;
    private readonly double _weightDecay;
    private readonly bool _scaleParameter;
    private readonly Tensor _rows;
    private readonly Tensor _columns;

    /// <param name="weights">The weights that will be updated: float32 [parameters].</param>
    /// <param name="names">The names of the parameters, which lie end to end in the weights.</param>
    /// <param name="shapes">Their shapes.</param>
    /// <param name="weightDecay">Share of a weight, times the learning rate, taken away a step.</param>
    /// <param name="scaleParameter">Whether a parameter's learning rate is multiplied with its <see cref="ParameterScale"/>.</param>
    public Adafactor(
        Tensor weights, IReadOnlyList<string> names, IReadOnlyList<long[]> shapes, double weightDecay, bool scaleParameter = false)
    {
        (_groups, _weightDecay, _scaleParameter) = (ParameterGroups.Of(names, shapes), weightDecay, scaleParameter);

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
        using var all = NewDisposeScope();
        if (gradientScale != 1) gradients.MultiplyInPlace(gradientScale);
        foreach (var group in _groups)
        {
            using var scope = NewDisposeScope();
            Step(group, group.Of(weights), group.Of(gradients), learningRate, keep: 1 - Math.Pow(step, DecayRate));
        }
    }

    /// <param name="group">Parameters that are alike.</param>
    /// <param name="weights">[count, rows] or [count, rows, columns].</param>
    /// <param name="gradients">The same.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="keep">The share of the means so far that stays.</param>
    private void Step(ParameterGroup group, Tensor weights, Tensor gradients, double learningRate, double keep)
    {
        long[] inner = group.IsMatrix ? [1L, 2L] : [1L];
        var square = gradients.Squared().AddInPlace(Epsilon);
        var row = group.RowsOf(_rows);
        Tensor update;
        if (group.IsMatrix)
        {
            var column = group.ColumnsOf(_columns);
            row.MultiplyInPlace(keep).AddInPlace(square.mean([2L]), 1 - keep);
            column.MultiplyInPlace(keep).AddInPlace(square.mean([1L]), 1 - keep);
            update = (row / row.mean([1L], keepdim: true)).rsqrt_().unsqueeze(2) * column.rsqrt().unsqueeze(1);   // [count, rows, columns]
        }
        else
        {
            row.MultiplyInPlace(keep).AddInPlace(square, 1 - keep);
            update = row.rsqrt();
        }

        update.mul_(gradients);
        var size = update.Squared().mean(inner, keepdim: true).sqrt_().MultiplyInPlace(1 / ClipThreshold).AtLeastInPlace(1);
        update.div_(size).MultiplyInPlace(learningRate);
        if (_scaleParameter)
        {
            var scale = weights.Squared().mean(inner, keepdim: true).sqrt_().AtLeastInPlace(ParameterScale.Least);
            update.mul_(scale);
            if (_weightDecay != 0) weights.mul_(scale.MultiplyInPlace(-learningRate * _weightDecay).AddInPlace(1));
        }
        else if (_weightDecay != 0)
        {
            weights.MultiplyInPlace(1 - learningRate * _weightDecay);
        }

        weights.sub_(update);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _columns.Dispose();
    }
}
