using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>T5's layer norm: scaled by the root mean square, neither centred nor shifted (Zhang and Sennrich 2019).</summary>
internal sealed class T5LayerNorm : nn.Module
{
    private readonly float _epsilon;

    /// <param name="weight">[d_model].</param>
    /// <param name="epsilon">Added to the mean square.</param>
    public T5LayerNorm(Parameter weight, float epsilon)
        : base(nameof(T5LayerNorm))
    {
        _epsilon = epsilon;
        Weight = weight;
        register_parameter("weight", weight);
    }

    /// <summary>[d_model].</summary>
    public Parameter Weight { get; }

    /// <summary>[…, d_model] → the same.</summary>
    public Tensor Forward(Tensor x)
    {
        using var squares = x.square();
        using var mean = squares.mean([-1L], keepdim: true);
        using var scale = (mean + _epsilon).rsqrt();
        using var normal = x * scale;
        return normal * Weight;
    }

    protected override void RegisterComponents()
    {
    }
}
