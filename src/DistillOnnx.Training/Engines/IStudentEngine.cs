using DistillOnnx.Training.MicroBatches;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>Computes the student's losses and gradients. Weights and gradients each lie in one contiguous block of memory.</summary>
internal interface IStudentEngine : IDisposable
{
    /// <summary>The weights that the optimizer updates: float32 [parameters].</summary>
    Tensor Weights { get; }

    /// <summary>The gradient of the step's loss, in the order of <see cref="Weights"/>: float32 [parameters].</summary>
    Tensor Gradients { get; }

    /// <summary>Adds a micro-batch's gradient.</summary>
    /// <param name="batch">The sequences and the weights of their tokens.</param>
    /// <param name="seed">Seed of the dropout; equal seeds give equal masks.</param>
    /// <param name="first">Whether this is the first micro-batch of its step, whose gradient replaces what is there.</param>
    /// <returns>The unweighted losses, which the caller disposes.</returns>
    PendingLoss Accumulate(MicroBatch batch, long seed, bool first);

    /// <summary>Losses without dropout and without gradients.</summary>
    /// <param name="batch">The sequences.</param>
    StepLoss Evaluate(MicroBatch batch);

    /// <summary>Has to be called after the weights were changed.</summary>
    void WeightsChanged();
}
