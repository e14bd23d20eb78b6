using DistillOnnx.Stages.Reporting;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>Keeps the count of live tensors at the last report of each training step.</summary>
internal sealed class LiveTensorCounts : IReporter
{
    public SortedDictionary<long, long> ByStep { get; } = [];

    public void Progress(string stage, long done, long? total, string? detail = null)
    {
        if (stage == "train") ByStep[done] = Tensor.TotalCount;
    }

    public void Info(string message)
    {
    }

    public void Warn(string message)
    {
    }
}
