namespace DistillOnnx.Training.Engines.Script;

/// <summary>With what kernels <c>step.py</c> computes; the numbers are those that it knows the forms by.</summary>
internal enum KernelForm
{
    /// <summary>Plain operations; attention by matrix products that keep every weight for the backward pass. On every device.</summary>
    Plain = 0,

    /// <summary>
    /// On CUDA alone: libtorch's memory-efficient attention, its norm in one kernel for each half, and products of half the width that are
    /// added to float32. Each is called by its own name. The function that chooses among attention kernels takes cuDNN's where it can,
    /// which searches anew for every shape. Attention keeps the logarithm of each query's sum.
    /// </summary>
    Fused = 1,

    /// <summary>Plain operations whose attention keeps what the fused kernel keeps: what that one is checked against.</summary>
    PlainWithSums = 2,
}
