using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>A weight matrix, or adjacent ones taken as one, with its gradient; both are views of the model's flat memory.</summary>
internal sealed class Projection : IDisposable
{
    private readonly Tensor _weight;
    private readonly Tensor _transposed;

    /// <param name="weights">All weights: [parameters].</param>
    /// <param name="gradients">All gradients: [parameters].</param>
    /// <param name="offset">Where the matrix begins.</param>
    /// <param name="outputs">Its rows.</param>
    /// <param name="inputs">Its columns.</param>
    public Projection(Tensor weights, Tensor gradients, long offset, int outputs, int inputs)
    {
        (Outputs, Inputs) = (outputs, inputs);
        _weight = View(weights, offset, outputs, inputs);
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
    public void Forward(Matrix x, Matrix y) => y.Tensor.addmm_(x.Tensor, _transposed, 0, 1);

    /// <summary>dx = dy·W, or dx += dy·W.</summary>
    /// <param name="dy">[rows, outputs].</param>
    /// <param name="dx">[rows, inputs].</param>
    /// <param name="add">Whether it is added to.</param>
    public void InputGradient(Matrix dy, Matrix dx, bool add = false) => dx.Tensor.addmm_(dy.Tensor, _weight, add ? 1 : 0, 1);

    /// <summary>dW = dyᵀ·x, or dW += dyᵀ·x.</summary>
    /// <param name="dy">[rows, outputs].</param>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="add">Whether it is added to.</param>
    public void WeightGradient(Matrix dy, Matrix x, bool add)
    {
        using var transposed = dy.Tensor.t();
        Gradient.addmm_(transposed, x.Tensor, add ? 1 : 0, 1);
    }

    /// <summary>Frees the views.</summary>
    public void Dispose()
    {
        _transposed.Dispose();
        _weight.Dispose();
        Gradient.Dispose();
    }

    private static Tensor View(Tensor flat, long offset, int rows, int columns)
    {
        using var slice = flat.narrow(0, offset, (long)rows * columns);
        return slice.view(rows, columns).DetachFromDisposeScope();
    }
}
