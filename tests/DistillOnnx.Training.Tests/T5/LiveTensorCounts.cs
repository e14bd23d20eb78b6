using DistillOnnx.Stages.Reporting;
using TorchSharp;

namespace DistillOnnx.Training.Tests.T5;

/// <summary>Keeps the count of live tensors at the last report of each training step.</summary>
internal sealed class LiveTensorCounts : IReporter
{
    /// <summary>
    /// Tensors that this thread made and that were not freed since. <c>Tensor.TotalCount</c> will not do: it also counts every tensor
    /// whose handle a parameter took over.
    /// </summary>
    public static long Now => DisposeScopeManager.Statistics.ThreadTotalLiveCount;

    public SortedDictionary<long, long> ByStep { get; } = [];

    public void Progress(string stage, long done, long? total, string? detail = null)
    {
        if (stage is "train" or "pretrain") ByStep[done] = Now;
    }

    public void Info(string message)
    {
    }

    public void Warn(string message)
    {
    }
}
