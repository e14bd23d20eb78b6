using DistillOnnx.Stages.Options;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Native;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.Schedules;

namespace DistillOnnx.Training.Trainer;

/// <summary>How weights are updated, and on what: the options that everything that trains has in common.</summary>
public abstract record OptimizationOptions
{
    /// <summary>Most tokens that go through the model at once.</summary>
    [Option(
        "most tokens that go through the model at once, padding counted: bounds memory, and changes which dropout is drawn",
        Value = "TOKENS")]
    public int MicroBatchTokens { get; init; } = 16384;

    /// <summary>The optimizer.</summary>
    [Option("adam-w or adafactor")]
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.AdamW;

    /// <summary>
    /// Whether a parameter's learning rate is multiplied with the root mean square of its weights; null: it is, but where a checkpoint
    /// is fine-tuned.
    /// </summary>
    [Option(
        "multiply each parameter's learning rate with the root mean square of its weights, as T5 was trained (default: true, but false "
        + "where train begins from a checkpoint)")]
    public bool? ScaleParameter { get; init; }

    /// <summary>
    /// Highest learning rate; null: 1e-2 from scratch, 1e-3 from a checkpoint, and where <see cref="ScaleParameter"/> is false 1e-3 and
    /// 5e-5.
    /// </summary>
    [Option(
        "highest learning rate (default: with --scale-parameter 1e-2 from scratch and 1e-3 from a checkpoint, without 1e-3 and 5e-5)",
        Value = "RATE")]
    public double? LearningRate { get; init; }

    /// <summary>How the learning rate moves after the warm-up.</summary>
    [Option("learning rate after the warm-up: linear (to zero), constant or cosine (to zero)")]
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Linear;

    /// <summary>Steps over which the learning rate rises; null: 5 % of all, but none where a checkpoint is fine-tuned.</summary>
    [Option(
        "steps over which the learning rate rises (default: 5 % of all, but none where train begins from a checkpoint)",
        Value = "STEPS")]
    public int? WarmupSteps { get; init; }

    /// <summary>Decay of the weights.</summary>
    [Option("share of every weight, times the learning rate, taken away a step", Value = "SHARE")]
    public double WeightDecay { get; init; }

    /// <summary>Largest norm of the gradient.</summary>
    [Option("largest norm of the gradient, to which longer ones are cut; 0: any", Value = "NORM")]
    public double ClipNorm { get; init; } = 1;

    /// <summary>Where to train.</summary>
    [Option("auto, cpu or cuda:N")]
    public string Device { get; init; } = "auto";

    /// <summary>Threads on the CPU; null: one a core.</summary>
    [Option("threads on the CPU (default: one a core)", Value = "COUNT")]
    public int? Threads { get; init; }

    /// <summary>In what numbers to train.</summary>
    [Option("fp32, or bf16 over fp32 master weights (for GPUs, and processors with products in bfloat16: AVX512_BF16, AMX)")]
    public TrainingPrecision Precision { get; init; } = TrainingPrecision.Fp32;

    /// <summary>Whether single-precision products on CUDA may run in TensorFloat-32.</summary>
    [Option("fp32 on CUDA: products in TensorFloat-32, whose inputs have 10 bits of mantissa; false: in full single precision")]
    public bool Tf32 { get; init; } = true;

    /// <summary>Whether blocks are computed again in the backward pass instead of being kept.</summary>
    [Option(
        "compute each block again in the backward pass instead of keeping its activations: less memory, about a third more time; draws "
        + "another dropout")]
    public bool Recompute { get; init; }

    /// <summary>Whether steps on CUDA run as recorded graphs.</summary>
    [Option(
        "on CUDA, record a step of each shape and replay it, so that a small student does not wait for the processor; false: start "
        + "every kernel anew, with less memory; draws another dropout")]
    public bool CudaGraphs { get; init; } = true;

    /// <summary>What is wrong with these.</summary>
    protected IEnumerable<string> OptimizationFaults()
    {
        if (MicroBatchTokens < 1) yield return $"--micro-batch-tokens: expected at least 1, found {MicroBatchTokens}";
        if (LearningRate is { } rate && (!(rate > 0) || !double.IsFinite(rate)))
            yield return $"--learning-rate: expected a number above 0, found {rate}";
        if (WarmupSteps is < 0) yield return $"--warmup-steps: expected at least 0, found {WarmupSteps}";
        if (!(WeightDecay >= 0)) yield return $"--weight-decay: expected at least 0, found {WeightDecay}";
        if (!(ClipNorm >= 0)) yield return $"--clip-norm: expected at least 0, found {ClipNorm}";
        if (Threads is < 1 or > 1024) yield return $"--threads: expected 1 to 1024, found {Threads}";
        if (Devices.Validate(Device) is { } fault) yield return $"--device: {fault}";
    }
}
