using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>
/// Where each parameter lies in a model's flat memory, and gradients laid out alike; for a model that computes in bfloat16, also its
/// weights rounded to that.
/// </summary>
internal sealed unsafe class FlatLayout : IDisposable
{
    private readonly ParameterLayout _parameters;
    private readonly RoundedProducts? _rounded;
    private readonly float* _weights;
    private readonly float* _gradients;

    /// <param name="model">The model, on the CPU.</param>
    public FlatLayout(T5Model model)
    {
        Weights = model.FlatParameters.detach().DetachFromDisposeScope();
        Gradients = zeros_like(Weights).DetachFromDisposeScope();
        if (model.ComputeType == ScalarType.BFloat16) _rounded = new RoundedProducts(Weights);
        _weights = Kernels.Pointers.Of(Weights);
        _gradients = Kernels.Pointers.Of(Gradients);
        _parameters = new ParameterLayout(model);
    }

    /// <summary>[parameters].</summary>
    public Tensor Weights { get; }

    /// <summary>[parameters].</summary>
    public Tensor Gradients { get; }

    /// <summary>A matrix that multiplies, or matrices that lie one after another and share an input, as one.</summary>
    public Projection Projection(params ReadOnlySpan<string> names)
    {
        var (offset, shape) = _parameters.Joined(names);
        return new Projection(Weights, _rounded, Gradients, offset, (int)shape[0], (int)shape[1]);
    }

    /// <summary>Rounds the weights again, after they were changed.</summary>
    public void Round() => _rounded?.Update(Weights);

    /// <summary>Values of a parameter.</summary>
    public float* Weight(string name) => _weights + _parameters[name].Offset;

    /// <summary>Gradient of a parameter.</summary>
    public float* Gradient(string name) => _gradients + _parameters[name].Offset;

    /// <summary>Sets the gradient of a parameter to 0.</summary>
    public void Clear(string name)
    {
        var (offset, shape) = _parameters[name];
        new Span<float>(_gradients + offset, (int)shape.Aggregate(1L, (a, b) => a * b)).Clear();
    }

    /// <summary>All names.</summary>
    public IEnumerable<string> Names => _parameters.Names;

    /// <summary>Shape of a parameter.</summary>
    public IReadOnlyList<long> Shape(string name) => _parameters[name].Shape;

    /// <summary>Frees the gradients.</summary>
    public void Dispose()
    {
        _rounded?.Dispose();
        Weights.Dispose();
        Gradients.Dispose();
    }
}
