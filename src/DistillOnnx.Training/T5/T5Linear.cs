using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>A projection without bias: T5 has none anywhere.</summary>
internal sealed class T5Linear : nn.Module
{
    /// <param name="weight">[out, in].</param>
    public T5Linear(Parameter weight)
        : base(nameof(T5Linear))
    {
        Weight = weight;
        register_parameter("weight", weight);
    }

    /// <summary>[out, in].</summary>
    public Parameter Weight { get; }

    /// <summary>[…, in] → […, out], in the input's type.</summary>
    public Tensor Forward(Tensor x)
    {
        if (x.dtype == ScalarType.Float32) return nn.functional.linear(x, Weight);
        using var weight = Weight.to(x.dtype);
        return nn.functional.linear(x, weight);
    }

    protected override void RegisterComponents()
    {
    }
}
