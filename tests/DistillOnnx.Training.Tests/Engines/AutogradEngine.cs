using DistillOnnx.Training.Engines;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.Engines;

/// <summary>Gradients by autograd through the modules that predictions run through: what the engines are compared with.</summary>
internal sealed class AutogradEngine : IStudentEngine
{
    private const long Ignored = -100;
    private readonly T5Model _model;

    /// <param name="model">The student.</param>
    public AutogradEngine(T5Model model)
    {
        _model = model;
        Weights = model.FlatParameters.detach().DetachFromDisposeScope();
        Gradients = zeros_like(Weights).DetachFromDisposeScope();
        foreach (var (_, parameter) in model.named_parameters())
        {
            // Autograd adds to a gradient that is there already, so the gradients of all parameters lie in one block.
            using var slice = Gradients.narrow(0, parameter.storage_offset(), parameter.numel());
            using var view = slice.view(parameter.shape);
            parameter.grad = view;
        }
    }

    /// <inheritdoc/>
    public Tensor Weights { get; }

    /// <inheritdoc/>
    public Tensor Gradients { get; }

    /// <inheritdoc/>
    public PendingLoss Accumulate(MicroBatch batch, long seed, bool first)
    {
        // Operations in place give a tensor too, so these are within the scope.
        using var scope = NewDisposeScope();
        if (first) Gradients.zero_();
        manual_seed(seed);
        _model.train();
        var (loss, result) = Forward(batch);
        loss.backward();
        return PendingLoss.Known(result);
    }

    /// <inheritdoc/>
    public StepLoss Evaluate(MicroBatch batch)
    {
        _model.eval();
        using var scope = NewDisposeScope();
        using var off = no_grad();
        return Forward(batch).Result;
    }

    /// <inheritdoc/>
    public void WeightsChanged()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, parameter) in _model.named_parameters()) parameter.grad = null;
        Weights.Dispose();
        Gradients.Dispose();
    }

    private (Tensor Loss, StepLoss Result) Forward(MicroBatch batch)
    {
        var device = _model.Device;
        var (ids, mask) = Sources(batch, device);
        var encoded = _model.Encode(ids, mask);          // (B, S, d)
        var total = zeros(1, dtype: ScalarType.Float32, device: device);
        var result = default(StepLoss);

        // Labels are short and rationales long: a decoder pass each.
        foreach (var part in Enum.GetValues<LossPart>())
        {
            var rows = Enumerable.Range(0, batch.Sequences.Count).Where(i => batch.Sequences[i].Part == part).ToArray();
            if (rows.Length == 0) continue;
            var targets = Targets(rows.Select(r => batch.Sequences[r].Target).ToArray(), device);
            var chosen = tensor(rows.Select(r => (long)r).ToArray(), device: device);
            var hidden = _model.DecodeHidden(_model.ShiftRight(targets), encoded.index_select(0, chosen), mask.index_select(0, chosen));
            long tokens = rows.Sum(r => (long)batch.Sequences[r].Target.Length);
            var losses = _model.TokenLosses(hidden, targets);
            var sum = losses.sum();
            var weights = rows.Select(r => batch.Sequences[r])
                .SelectMany(s => Enumerable.Repeat((float)batch.TokenWeight(s), s.Target.Length)).ToArray();
            total = total + (losses * tensor(weights, device: device)).sum();
            var value = sum.item<float>();
            result += part == LossPart.Label ? new StepLoss(value, tokens, 0, 0) : new StepLoss(0, 0, value, tokens);
        }

        return (total.sum(), result);
    }

    private static (Tensor Ids, Tensor Mask) Sources(MicroBatch batch, Device device)
    {
        var (rows, width) = (batch.Sequences.Count, batch.Sequences.Max(s => s.Source.Length));
        var ids = new long[rows * width];
        var mask = new long[rows * width];
        for (var i = 0; i < rows; i++)
        {
            var source = batch.Sequences[i].Source;
            for (var j = 0; j < source.Length; j++) (ids[(i * width) + j], mask[(i * width) + j]) = (source[j], 1);
        }

        return (tensor(ids, [rows, width], device: device), tensor(mask, [rows, width], device: device));
    }

    private static Tensor Targets(int[][] targets, Device device)
    {
        var width = targets.Max(t => t.Length);
        var ids = new long[targets.Length * width];
        Array.Fill(ids, Ignored);
        for (var i = 0; i < targets.Length; i++)
        {
            for (var j = 0; j < targets[i].Length; j++) ids[(i * width) + j] = targets[i][j];
        }

        return tensor(ids, [targets.Length, width], device: device);
    }
}
