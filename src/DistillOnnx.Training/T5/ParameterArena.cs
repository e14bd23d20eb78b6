using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>
/// One contiguous block of memory that holds all parameters of a model, so that an optimizer can update them in a few large
/// operations and matrices that share an input can be multiplied as one.
/// </summary>
internal sealed class ParameterArena
{
    private long _used;

    public ParameterArena(long elements, Device device)
    {
        Flat = zeros(elements, dtype: ScalarType.Float32, device: device);
    }

    /// <summary>All parameters end to end: [elements].</summary>
    public Tensor Flat { get; }

    /// <summary>Cuts the next parameter off.</summary>
    /// <param name="shape">Its shape.</param>
    public Parameter Take(params long[] shape)
    {
        var count = shape.Aggregate(1L, (a, b) => a * b);
        using var slice = Flat.narrow(0, _used, count);
        _used += count;
        return new Parameter(slice.view(shape));
    }

    /// <summary>Checks that the parameters took all there was, no more and no less.</summary>
    public void RequireExhausted()
    {
        if (_used != Flat.numel()) throw new InvalidOperationException($"the model took {_used} of {Flat.numel()} parameters");
    }
}
