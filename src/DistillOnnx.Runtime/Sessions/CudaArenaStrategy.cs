namespace DistillOnnx.Runtime.Sessions;

/// <summary>How the CUDA arena grows. It never shrinks after a large shape, so the choice decides the peak.</summary>
public enum CudaArenaStrategy
{
    /// <summary>By powers of two: fewer allocations.</summary>
    NextPowerOfTwo,

    /// <summary>By what is asked for: a lower peak where lengths vary.</summary>
    SameAsRequested,
}
