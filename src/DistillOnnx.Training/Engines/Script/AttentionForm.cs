namespace DistillOnnx.Training.Engines.Script;

/// <summary>How <c>step.py</c> computes attention; the numbers are those that it knows the forms by.</summary>
internal enum AttentionForm
{
    /// <summary>Matrix products that keep every weight for the backward pass.</summary>
    Products = 0,

    /// <summary>
    /// libtorch's memory-efficient kernel, by its own name: the function that chooses among kernels takes cuDNN's where it can, which
    /// searches anew for every shape. It keeps the logarithm of each query's sum. On CUDA alone.
    /// </summary>
    Fused = 1,

    /// <summary>Products that keep what the fused kernel keeps: what that one is checked against.</summary>
    ProductsOfSums = 2,
}
