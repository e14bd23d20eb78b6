using DistillOnnx.Checkpoints;
using DistillOnnx.Core.T5;
using DistillOnnx.Training.Engines.Kernels;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>
/// The engine for the CPU. Sequences of both tasks lie end to end: one encoder pass and one decoder pass serve labels and rationales,
/// and no work is spent on padding. Gradients are written where the optimizer reads them. A model that computes in bfloat16 has its
/// products with weights in it; attention, norms and losses stay in single precision.
/// </summary>
internal sealed unsafe class UnpaddedEngine : IStudentEngine
{
    private const int HeadBytes = 32 << 20;

    private readonly T5Config _config;
    private readonly FlatLayout _layout;
    private readonly Workspace _space = new();
    private readonly UnpaddedStack _encoder;
    private readonly UnpaddedStack _decoder;
    private readonly Projection _head;
    private readonly string[] _vectors;

    /// <param name="model">The student, on the CPU; its weights are read where they stand.</param>
    /// <exception cref="ArgumentException">The model is elsewhere, or has an activation that the kernels lack; see
    /// <see cref="Supports"/>.</exception>
    public UnpaddedEngine(T5Model model)
    {
        if (!Supports(model))
            throw new ArgumentException("the model is not on the CPU, or its activation is the exact GELU", nameof(model));
        _config = model.Config;
        _layout = new FlatLayout(model);
        _encoder = new UnpaddedStack(_config, _layout, _space, decoder: false);
        _decoder = new UnpaddedStack(_config, _layout, _space, decoder: true);
        _head = _layout.Projection(_config.TieWordEmbeddings ? T5TensorNames.Shared : T5TensorNames.LmHead);
        bool IsBias(string name) => name.EndsWith("relative_attention_bias.weight", StringComparison.Ordinal);
        _vectors = [.. _layout.Names.Where(n => _layout.Shape(n).Count == 1 || IsBias(n))];
    }

    /// <inheritdoc/>
    public Tensor Weights => _layout.Weights;

    /// <inheritdoc/>
    public Tensor Gradients => _layout.Gradients;

    /// <summary>Whether the engine can run a model.</summary>
    /// <param name="model">The model.</param>
    public static bool Supports(T5Model model) => model.Device.type == TorchSharp.DeviceType.CPU && Activation.Has(model.Config.Activation);

    /// <inheritdoc/>
    public PendingLoss Accumulate(MicroBatch batch, long seed, bool first)
    {
        if (first)
        {
            foreach (var name in _vectors) _layout.Clear(name);
            if (!_config.TieWordEmbeddings) _layout.Clear(T5TensorNames.Shared);
        }

        return PendingLoss.Known(Run(batch, new DropoutSites(_config.DropoutRate, seed), backward: true, add: !first));
    }

    /// <inheritdoc/>
    public StepLoss Evaluate(MicroBatch batch) => Run(batch, new DropoutSites(0, 0), backward: false, add: false);

    /// <inheritdoc/>
    public void WeightsChanged() => _layout.Round();

    /// <inheritdoc/>
    public void Dispose()
    {
        _head.Dispose();
        _encoder.Dispose();
        _decoder.Dispose();
        _space.Dispose();
        _layout.Dispose();
    }

    private StepLoss Run(MicroBatch batch, DropoutSites sites, bool backward, bool add)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var sources = new Ragged([.. batch.Sequences.Select(s => s.Source)]);
        var targets = new Ragged([.. batch.Sequences.Select(s => s.Target)]);
        var inputs = new Ragged([.. batch.Sequences.Select(s => ShiftRight(s.Target))]);
        var scale = _config.ScaleDecoderOutputs ? (float)(1 / Math.Sqrt(_config.DModel)) : 1;

        var encoded = _encoder.Forward(sources, sites);
        var hidden = _decoder.Forward(inputs, sites, sources, encoded, scale);
        var losses = Head(batch, targets, hidden, backward, add);
        if (backward)
        {
            var dEncoded = _decoder.Backward(
                inputs, sites, _space.Get("dhidden", hidden.Rows, hidden.Columns), add, sources, encoded, scale);
            _encoder.Backward(sources, sites, dEncoded!, add);
        }

        return Sum(batch, targets, losses);
    }

    /// <summary>Scores and losses, some tokens at a time, so that the scores of a whole batch are never in memory at once.</summary>
    private float[] Head(MicroBatch batch, Ragged targets, Matrix hidden, bool backward, bool add)
    {
        var losses = new float[targets.Total];
        float[]? weights = null;
        if (backward)
        {
            weights = new float[targets.Total];
            for (var s = 0; s < targets.Count; s++)
                weights.AsSpan(targets.Offsets[s], targets.Length(s)).Fill((float)batch.TokenWeight(batch.Sequences[s]));
        }

        int[]?[]? allowed = null;
        for (var s = 0; s < targets.Count; s++)
        {
            if (batch.Sequences[s].Allowed is not { } sets) continue;
            allowed ??= new int[targets.Total][];
            for (var t = 0; t < sets.Count; t++) allowed[targets.Offsets[s] + t] = sets[t];
        }

        var gradient = backward ? _space.Get("dhidden", hidden.Rows, hidden.Columns) : null;
        var count = Math.Max(64, HeadBytes / sizeof(float) / _config.VocabSize);
        for (var from = 0; from < targets.Total; from += count)
        {
            var rows = Math.Min(count, targets.Total - from);
            using var x = Rows(hidden, from, rows);
            var logits = _space.Get("logits", rows, _config.VocabSize);
            _head.Forward(x, logits);
            CrossEntropyKernel.Run(logits.Data, targets.Ids, from, allowed, weights, losses, rows, _config.VocabSize);
            if (!backward) continue;
            using var dx = Rows(gradient!, from, rows);
            _head.Backward(logits, x, dx, add || from > 0);
        }

        return losses;
    }

    private static Matrix Rows(Matrix matrix, int from, int count) => new(matrix.Tensor.narrow(0, from, count).DetachFromDisposeScope());

    private static StepLoss Sum(MicroBatch batch, Ragged targets, float[] losses)
    {
        double label = 0, rationale = 0;
        long labels = 0, rationales = 0;
        for (var s = 0; s < targets.Count; s++)
        {
            double sum = 0;
            foreach (var loss in losses.AsSpan(targets.Offsets[s], targets.Length(s))) sum += loss;
            if (batch.Sequences[s].Part == LossPart.Label) (label, labels) = (label + sum, labels + batch.Sequences[s].Count);
            else (rationale, rationales) = (rationale + sum, rationales + batch.Sequences[s].Count);
        }

        return new StepLoss(label, labels, rationale, rationales);
    }

    private int[] ShiftRight(int[] target)
    {
        var input = new int[target.Length];
        input[0] = _config.DecoderStartTokenId;
        Array.Copy(target, 0, input, 1, target.Length - 1);
        return input;
    }
}
