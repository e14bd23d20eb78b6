using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Training.Tests.Trainer;

/// <summary>Cancels when a step is reported.</summary>
internal sealed class StopAt(long step, CancellationTokenSource source) : IReporter
{
    public void Progress(string stage, long done, long? total, string? detail = null)
    {
        if (stage is "train" or "pretrain" && done >= step) source.Cancel();
    }

    public void Info(string message)
    {
    }

    public void Warn(string message)
    {
    }
}
