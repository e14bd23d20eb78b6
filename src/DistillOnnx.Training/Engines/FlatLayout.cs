using DistillOnnx.Training.T5;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>Where each parameter lies in a model's flat memory, and gradients laid out alike.</summary>
internal sealed unsafe class FlatLayout : IDisposable
{
    private readonly Dictionary<string, (long Offset, long[] Shape)> _parameters = new(StringComparer.Ordinal);
    private readonly float* _weights;
    private readonly float* _gradients;

    /// <param name="model">The model, on the CPU.</param>
    public FlatLayout(T5Model model)
    {
        Weights = model.FlatParameters.detach().DetachFromDisposeScope();
        Gradients = zeros_like(Weights).DetachFromDisposeScope();
        _weights = Kernels.Pointers.Of(Weights);
        _gradients = Kernels.Pointers.Of(Gradients);
        foreach (var (name, parameter) in model.named_parameters()) _parameters.Add(name, (parameter.storage_offset(), parameter.shape));
    }

    /// <summary>[parameters].</summary>
    public Tensor Weights { get; }

    /// <summary>[parameters].</summary>
    public Tensor Gradients { get; }

    /// <summary>A matrix that multiplies.</summary>
    public Projection Projection(string name)
    {
        var (offset, shape) = _parameters[name];
        return new Projection(Weights, Gradients, offset, (int)shape[0], (int)shape[1]);
    }

    /// <summary>Matrices that lie one after another and share an input, as one.</summary>
    public Projection Projection(params ReadOnlySpan<string> names)
    {
        var (offset, shape) = _parameters[names[0]];
        var rows = shape[0];
        foreach (var name in names[1..])
        {
            var (next, other) = _parameters[name];
            if (next != offset + (rows * shape[1]) || other[1] != shape[1])
                throw new InvalidOperationException($"{name} does not lie after {names[0]}");
            rows += other[0];
        }

        return new Projection(Weights, Gradients, offset, (int)rows, (int)shape[1]);
    }

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
    public IEnumerable<string> Names => _parameters.Keys;

    /// <summary>Shape of a parameter.</summary>
    public IReadOnlyList<long> Shape(string name) => _parameters[name].Shape;

    /// <summary>Frees the gradients.</summary>
    public void Dispose()
    {
        Weights.Dispose();
        Gradients.Dispose();
    }
}
