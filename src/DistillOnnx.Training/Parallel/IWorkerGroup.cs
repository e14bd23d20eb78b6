using static TorchSharp.torch;

namespace DistillOnnx.Training.Parallel;

/// <summary>
/// The processes that train one student together. Each holds all weights, works on its share of every step's rows, and adds its gradient
/// to the others', so that all make the same update. A process that is disposed of without <see cref="Leave"/> has failed alone: the
/// others, which may wait for it in a sum, end with it.
/// </summary>
internal interface IWorkerGroup : IDisposable
{
    /// <summary>This process's number, from 0; 0 writes the checkpoint and reports to the user.</summary>
    int Rank { get; }

    /// <summary>Number of processes.</summary>
    int Count { get; }

    /// <summary>Replaces a tensor on every process with the sum over all of them, the same to the last bit everywhere.</summary>
    /// <param name="tensor">float32, contiguous, of equal size on all.</param>
    void Sum(Tensor tensor);

    /// <summary>Replaces numbers on every process with their sums over all of them.</summary>
    /// <param name="values">As many on all.</param>
    void Sum(Span<double> values);

    /// <summary>Ends the work together: every process comes here, with its result or with a fault that all of them have.</summary>
    void Leave();
}
