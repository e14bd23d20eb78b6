using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>
/// Products in bfloat16: the weights rounded to it, and memory for the factors and the result of one product at a time. The memory is kept,
/// since the system would clear the pages of megabytes that are allocated anew.
/// </summary>
internal sealed class RoundedProducts : IDisposable
{
    private readonly Tensor?[] _memory = new Tensor?[3];

    /// <param name="weights">All weights: float32 [parameters].</param>
    public RoundedProducts(Tensor weights) => Weights = weights.to(ScalarType.BFloat16).DetachFromDisposeScope();

    private enum Place
    {
        Left,
        Right,
        Result,
    }

    /// <summary>The weights rounded: [parameters].</summary>
    public Tensor Weights { get; }

    /// <summary>Rounds the weights again.</summary>
    /// <param name="weights">All weights: float32 [parameters].</param>
    public void Update(Tensor weights) => Weights.copy_(weights);

    /// <summary>result = a·b, or result += a·b.</summary>
    /// <param name="a">[m, k], float32 or rounded.</param>
    /// <param name="b">[k, n], float32 or rounded.</param>
    /// <param name="result">Float32 [m, n].</param>
    /// <param name="add">Whether the result is added to.</param>
    public void Multiply(Tensor a, Tensor b, Tensor result, bool add)
    {
        using var left = IsRounded(a) ? null : Round(Place.Left, a);
        using var right = IsRounded(b) ? null : Round(Place.Right, b);
        using var product = Get(Place.Result, result.shape);
        product.addmm_(left ?? a, right ?? b, 0, 1);
        if (add) result.AddInPlace(product);
        else result.copy_(product);
    }

    /// <summary>A left factor rounded, for several products; valid until another one is.</summary>
    /// <param name="factor">Float32 [m, k].</param>
    /// <returns>[m, k], of the caller.</returns>
    public Tensor RoundLeft(Tensor factor) => Round(Place.Left, factor);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var memory in _memory) memory?.Dispose();
        Weights.Dispose();
    }

    private static bool IsRounded(Tensor tensor) => tensor.dtype == ScalarType.BFloat16;

    private Tensor Round(Place place, Tensor factor)
    {
        var rounded = Get(place, factor.shape);
        rounded.copy_(factor);
        return rounded;
    }

    private Tensor Get(Place place, long[] shape)
    {
        var count = shape[0] * shape[1];
        if (_memory[(int)place] is not { } memory || memory.numel() < count)
        {
            _memory[(int)place]?.Dispose();
            _memory[(int)place] = memory = empty(count + (count / 8), dtype: ScalarType.BFloat16).DetachFromDisposeScope();
        }

        using var flat = memory.narrow(0, 0, count);
        return flat.view(shape);
    }
}
