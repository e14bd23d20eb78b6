using DistillOnnx.Training.Native;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>T5's layer norm: scaled by the root mean square, neither centred nor shifted (Zhang and Sennrich 2019).</summary>
internal sealed class T5LayerNorm : nn.Module
{
    private readonly float _epsilon;
    private readonly T5Precision _precision;

    /// <param name="weight">[d_model].</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="precision">The type that the result is wanted in; the norm itself is float32.</param>
    public T5LayerNorm(Parameter weight, float epsilon, T5Precision precision)
        : base(nameof(T5LayerNorm))
    {
        _epsilon = epsilon;
        _precision = precision;
        Weight = weight;
        register_parameter("weight", weight);
    }

    /// <summary>[d_model].</summary>
    public Parameter Weight { get; }

    /// <summary>float32 […, d_model] → the same, in the type that is computed in.</summary>
    public Tensor Forward(Tensor x)
    {
        using var squares = x.Squared();
        using var mean = squares.mean([-1L], keepdim: true);
        using var scale = mean.Plus(_epsilon).rsqrt();
        using var normal = x * scale;
        if (_precision.ComputeType == ScalarType.Float32) return normal * Weight;
        using var scaled = normal * Weight;
        return scaled.to(_precision.ComputeType);
    }

    protected override void RegisterComponents()
    {
    }
}
