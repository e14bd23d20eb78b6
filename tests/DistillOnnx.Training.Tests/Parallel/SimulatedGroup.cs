using DistillOnnx.Training.Parallel;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.Parallel;

/// <summary>A process of a group whose others are simulated.</summary>
/// <param name="rank">Its number.</param>
/// <param name="count">Number of processes.</param>
/// <param name="sum">Makes sums over all processes of this one's numbers.</param>
internal sealed class SimulatedGroup(int rank, int count, SimulatedGroup.SumOfAll sum) : IWorkerGroup
{
    /// <summary>Replaces this process's numbers with sums over all.</summary>
    /// <param name="values">The numbers.</param>
    public delegate void SumOfAll(Span<double> values);

    public int Rank => rank;

    public int Count => count;

    /// <summary>Whether the process ended its work together with the others.</summary>
    public bool HasLeft { get; private set; }

    /// <summary>Whether the process has ended its work, however.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>A group whose processes all have what this one has.</summary>
    public static SimulatedGroup OfTwins() => new(0, 2, values =>
    {
        foreach (ref var value in values) value *= 2;
    });

    public void Sum(Tensor tensor)
    {
        using var off = no_grad();
        tensor.mul_(count);
    }

    public void Sum(Span<double> values) => sum(values);

    public void Leave() => HasLeft = true;

    public void Dispose() => IsDisposed = true;
}
