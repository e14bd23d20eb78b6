using DistillOnnx.Core.T5;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.MicroBatches;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.T5;

namespace DistillOnnx.Benchmarks.Training;

/// <summary>A student from scratch with an engine and AdamW: the trainer's step without the run around it.</summary>
internal sealed class TrainedModel : IDisposable
{
    private const int MicroBatchTokens = 16384;

    private readonly T5Model _model;
    private readonly IStudentEngine _engine;
    private readonly IOptimizer _optimizer;
    private int _step;

    /// <param name="preset">The student's shape.</param>
    /// <param name="makeEngine">Makes the engine.</param>
    /// <param name="bf16">Whether products are in bfloat16.</param>
    public TrainedModel(string preset, Func<T5Model, IStudentEngine> makeEngine, bool bf16 = false)
    {
        _model = new T5Model(T5Presets.Load(preset), seed: 1);
        if (bf16) _model.ComputeType = TorchSharp.torch.ScalarType.BFloat16;
        _engine = makeEngine(_model);
        _optimizer = Optimizer.Create(OptimizerKind.AdamW, _engine.Weights, _model, weightDecay: 0, scaleParameter: false);
    }

    /// <summary>The student's shape.</summary>
    public T5Config Config => _model.Config;

    /// <summary>Gradient, clipping and update.</summary>
    public void Step(IReadOnlyList<TrainingRow> rows)
    {
        Accumulate(rows);
        Update();
    }

    /// <summary>The gradient of a step: the forward and the backward pass.</summary>
    public void Accumulate(IReadOnlyList<TrainingRow> rows)
    {
        var parts = MicroBatch.Cut(rows, MicroBatchTokens, 0.5, 0.5);
        for (var i = 0; i < parts.Count; i++) _engine.Accumulate(parts[i], _step, i == 0).Dispose();
    }

    /// <summary>Clipping and update by the gradient that is there.</summary>
    public void Update()
    {
        var scale = GradientNorm.ClipScale(GradientNorm.Of(_engine.Gradients), 1);
        _optimizer.Step(_engine.Weights, _engine.Gradients, scale, 1e-4, ++_step);
        _engine.WeightsChanged();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _engine.Dispose();
        _model.Dispose();
    }
}
