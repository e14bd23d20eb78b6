using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>A float32 matrix on the CPU as libtorch sees it and as kernels do.</summary>
/// <param name="tensor">[rows, columns], contiguous; owned.</param>
internal sealed unsafe class Matrix(Tensor tensor) : IDisposable
{
    /// <summary>[rows, columns].</summary>
    public Tensor Tensor { get; } = tensor;

    /// <summary>The first value.</summary>
    public float* Data { get; } = Kernels.Pointers.Of(tensor);

    /// <summary>Rows.</summary>
    public int Rows { get; } = (int)tensor.shape[0];

    /// <summary>Columns.</summary>
    public int Columns { get; } = (int)tensor.shape[1];

    /// <summary>Number of values.</summary>
    public long Count => (long)Rows * Columns;

    /// <summary>Frees the view.</summary>
    public void Dispose() => Tensor.Dispose();
}
