using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>
/// A weight matrix, or adjacent ones taken as one, with its gradient; both are views of the model's flat memory. In bfloat16 products have
/// both factors and their result rounded to it, and sums over several products are in single precision.
/// </summary>
internal sealed class Projection : IDisposable
{
    private readonly Tensor _weight;
    private readonly Tensor _transposed;
    private readonly RoundedProducts? _rounded;

    /// <param name="weights">All weights: [parameters].</param>
    /// <param name="rounded">The same in bfloat16, in which products are then computed; null: in single precision.</param>
    /// <param name="gradients">All gradients: [parameters].</param>
    /// <param name="offset">Where the matrix begins.</param>
    /// <param name="outputs">Its rows.</param>
    /// <param name="inputs">Its columns.</param>
    public Projection(Tensor weights, RoundedProducts? rounded, Tensor gradients, long offset, int outputs, int inputs)
    {
        (Outputs, Inputs, _rounded) = (outputs, inputs, rounded);
        _weight = View(rounded?.Weights ?? weights, offset, outputs, inputs);
        _transposed = _weight.t().DetachFromDisposeScope();
        Gradient = View(gradients, offset, outputs, inputs);
    }

    /// <summary>Rows of the weight.</summary>
    public int Outputs { get; }

    /// <summary>Columns of the weight.</summary>
    public int Inputs { get; }

    /// <summary>[outputs, inputs].</summary>
    public Tensor Gradient { get; }

    /// <summary>y = x·Wᵀ.</summary>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="y">[rows, outputs].</param>
    public void Forward(Matrix x, Matrix y) => Multiply(x.Tensor, _transposed, y.Tensor, add: false);

    /// <summary>dW = dyᵀ·x and dx = dy·W, or added to either.</summary>
    /// <param name="dy">[rows, outputs].</param>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="dx">[rows, inputs].</param>
    /// <param name="addWeight">Whether dW is added to.</param>
    /// <param name="addInput">Whether dx is added to.</param>
    public void Backward(Matrix dy, Matrix x, Matrix dx, bool addWeight, bool addInput = false)
    {
        // Rounded once for both products.
        using var rounded = _rounded?.RoundLeft(dy.Tensor);
        var slopes = rounded ?? dy.Tensor;
        using var transposed = slopes.t();
        Multiply(transposed, x.Tensor, Gradient, addWeight);
        Multiply(slopes, _weight, dx.Tensor, addInput);
    }

    /// <summary>Frees the views.</summary>
    public void Dispose()
    {
        _transposed.Dispose();
        _weight.Dispose();
        Gradient.Dispose();
    }

    private void Multiply(Tensor a, Tensor b, Tensor result, bool add)
    {
        if (_rounded is null) result.addmm_(a, b, add ? 1 : 0, 1);
        else _rounded.Multiply(a, b, result, add);
    }

    private static Tensor View(Tensor flat, long offset, int rows, int columns)
    {
        using var slice = flat.narrow(0, offset, (long)rows * columns);
        return slice.view(rows, columns).DetachFromDisposeScope();
    }
}
