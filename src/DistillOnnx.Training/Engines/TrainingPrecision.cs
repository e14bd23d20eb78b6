namespace DistillOnnx.Training.Engines;

/// <summary>In what numbers the student is trained.</summary>
public enum TrainingPrecision
{
    /// <summary>Single precision throughout.</summary>
    Fp32,

    /// <summary>
    /// Products in bfloat16 over single-precision master weights; norms, softmax and losses stay in single precision. For GPUs, and
    /// for processors that multiply in it.
    /// </summary>
    Bf16,
}
