using DistillOnnx.Core.T5;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// The engine for every device: a micro-batch is one call into TorchScript (<c>step.py</c>), which runs forward and backward without
/// autograd and without waiting for the device. Products run over the tokens that there are; only attention pads them.
/// </summary>
internal sealed class ScriptEngine : IStudentEngine
{
    /// <summary>Target tokens that are scored over the vocabulary at a time.</summary>
    private const int HeadChunk = 2048;

    /// <summary>In place of a seed, for <c>step.py</c>: the caller has seeded for the whole step.</summary>
    private const long Seeded = -1;

    private readonly T5Model _model;
    private readonly ScriptBatch _batches;
    private readonly Tensor? _products;
    private readonly WeightViews _weights;
    private readonly WeightViews _gradients;
    private readonly bool _recompute;
    private readonly KernelForm _kernels;
    private readonly StepRecorder? _recorder;

    /// <param name="model">The student.</param>
    /// <param name="steps">How shapes are rounded up; null: for a GPU where the student lies on one.</param>
    /// <param name="recompute">Whether blocks are computed again in the backward pass instead of being kept, for a third more time.</param>
    /// <param name="kernels">With what kernels.</param>
    /// <param name="record">Whether steps are recorded as CUDA graphs and replayed where their shape comes again.</param>
    /// <param name="reporter">Receives a warning where that comes to an end.</param>
    public ScriptEngine(
        T5Model model, ShapeSteps? steps = null, bool recompute = false, KernelForm kernels = KernelForm.Plain, bool record = false,
        IReporter? reporter = null)
    {
        // What is computed again has to be seeded again, which a recorded step cannot do.
        if (record && recompute) throw new ArgumentException("steps whose blocks are computed again cannot be recorded", nameof(record));

        (_model, _recompute, _kernels) = (model, recompute, kernels);
        _batches = new ScriptBatch(
            model.Config, model.Device, steps ?? (model.Device.type == TorchSharp.DeviceType.CPU ? ShapeSteps.None : ShapeSteps.Gpu));
        Weights = model.FlatParameters.detach().DetachFromDisposeScope();
        Gradients = zeros_like(Weights).DetachFromDisposeScope();
        if (model.ComputeType != ScalarType.Float32) _products = Weights.to(model.ComputeType).DetachFromDisposeScope();
        _weights = new WeightViews(model, Weights, _products ?? Weights);
        _gradients = new WeightViews(model, Gradients, Gradients);
        if (record) _recorder = new StepRecorder(_batches, inputs => Call(inputs, Seeded, training: true), reporter ?? Reporter.None);
    }

    /// <inheritdoc/>
    public Tensor Weights { get; }

    /// <inheritdoc/>
    public Tensor Gradients { get; }

    /// <summary>Distinct shapes of the batches so far.</summary>
    public int Shapes => _batches.Shapes;

    /// <summary>Shapes whose step was recorded so far.</summary>
    public int Recorded => _recorder?.Count ?? 0;

    /// <inheritdoc/>
    public PendingLoss Accumulate(MicroBatch batch, long seed, bool first)
    {
        // Operations in place give a tensor too, so these are within the scope.
        using var scope = NewDisposeScope();
        using var off = no_grad();
        if (first) Gradients.zero_();
        return Run(batch, seed, training: true);
    }

    /// <inheritdoc/>
    public StepLoss Evaluate(MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var loss = Run(batch, 0, training: false);
        return loss.Read();
    }

    /// <inheritdoc/>
    public void WeightsChanged()
    {
        // One cast of all weights a step, not one of each before every product.
        using var scope = NewDisposeScope();
        using var off = no_grad();
        _products?.copy_(Weights);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        _gradients.Dispose();
        _products?.Dispose();
        _recorder?.Dispose();
        _batches.Dispose();
        Weights.Dispose();
        Gradients.Dispose();
    }

    private PendingLoss Run(MicroBatch batch, long seed, bool training)
    {
        var host = _batches.Make(batch, keep: training);

        // Blocks take the seeds after it, so those of other micro-batches must not be near.
        var dropoutSeed = (long)(unchecked((ulong)seed * 0x9E3779B97F4A7C15UL) >> 2);
        var losses = training && _recorder is { } recorder ? recorder.Run(host, dropoutSeed) : Direct(host, dropoutSeed, training);
        long Tokens(LossPart part) => batch.Sequences.Where(s => s.Part == part).Sum(s => (long)s.Count);
        return PendingLoss.Of(losses, Tokens(LossPart.Label), Tokens(LossPart.Rationale));
    }

    private Tensor Direct(HostBatch host, long seed, bool training)
    {
        var inputs = _batches.Send(host);
        var draws = training && _model.Config.DropoutRate > 0;
        if (!draws) return Call(inputs, seed, training);

        // A device has one generator: of two runs of this process, each would draw what the other has seeded, and a block that is computed
        // again another dropout than before. And while a run records a step, nobody else may draw.
        lock (CudaGraph.Gate) return Call(inputs, seed, training);
    }

    private Tensor Call(ScriptInputs inputs, long seed, bool training)
    {
        var config = _model.Config;
        return TorchScript.Step(_model.ComputeType).Invoke(
            "step", _weights.Ends, _gradients.Ends, _weights.Encoder, _gradients.Encoder, _weights.Decoder, _gradients.Decoder,
            _weights.EncoderRelative, _gradients.EncoderRelative, _weights.DecoderRelative, _gradients.DecoderRelative, inputs.Sources,
            inputs.Targets, inputs.Parts, inputs.Sets, inputs.Rows, config.NumHeads, Number(config.Activation), config.IsGated,
            (int)_kernels, _recompute, training, seed, HeadChunk, (double)config.LayerNormEpsilon, (double)config.DropoutRate,
            config.ScaleDecoderOutputs ? 1 / Math.Sqrt(config.DModel) : 1.0);
    }

    /// <summary>The number that <c>step.py</c> knows an activation by.</summary>
    private static int Number(T5Activation activation) => activation switch
    {
        T5Activation.Relu => 0,
        T5Activation.GeluNew => 1,
        T5Activation.Gelu => 2,
        _ => 3,
    };
}
