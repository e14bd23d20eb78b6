using static TorchSharp.torch;

namespace DistillOnnx.Training.Parallel;

/// <summary>A run of one process: its sums are what it has.</summary>
internal sealed class SingleWorker : IWorkerGroup
{
    public int Rank => 0;

    public int Count => 1;

    public void Sum(Tensor tensor)
    {
    }

    public void Sum(Span<double> values)
    {
    }

    public void Leave()
    {
    }

    public void Dispose()
    {
    }
}
