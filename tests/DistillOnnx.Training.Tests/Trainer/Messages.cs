using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Training.Tests.Trainer;

/// <summary>Keeps the warnings.</summary>
internal sealed class Messages : IReporter
{
    public List<string> Warnings { get; } = [];

    public void Progress(string stage, long done, long? total, string? detail = null)
    {
    }

    public void Info(string message)
    {
    }

    public void Warn(string message) => Warnings.Add(message);
}
