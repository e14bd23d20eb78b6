using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>
/// The type that matrix products and attention run in, one setting for all parts of a model. It travels with the activations: norms
/// put it out, projections cast their weights to it, and the residual stream, to which results are added, stays float32.
/// </summary>
internal sealed class T5Precision
{
    public ScalarType ComputeType { get; set; } = ScalarType.Float32;
}
