using DistillOnnx.Training.Engines.Kernels;

namespace DistillOnnx.Training.Optimizers;

/// <summary>
/// The size of a parameter: the root mean square of its weights, and at least <see cref="Least"/> (Shazeer and Stern 2018, section 8).
/// A learning rate multiplied with it is a share of the weights, which T5's initial weights ask for: its embeddings start at 1 and its
/// projections a hundred times smaller, so that a rate that suits one leaves the other still or shakes it.
/// </summary>
internal static class ParameterScale
{
    /// <summary>What a parameter of zeros counts as.</summary>
    public const double Least = 1e-3;

    /// <summary>Of a parameter in main memory.</summary>
    public static unsafe double Of(float* weights, long count) =>
        Math.Max(Least, Math.Sqrt(FlatKernels.SumOfSquares(weights, count) / count));
}
