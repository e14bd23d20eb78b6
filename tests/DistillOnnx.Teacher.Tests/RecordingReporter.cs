using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Records warnings and progress.</summary>
internal sealed class RecordingReporter : IReporter
{
    public List<string> Warnings { get; } = [];

    public List<string> Details { get; } = [];

    public void Progress(string stage, long done, long? total, string? detail = null)
    {
        lock (Details) Details.Add(detail ?? "");
    }

    public void Info(string message)
    {
    }

    public void Warn(string message)
    {
        lock (Warnings) Warnings.Add(message);
    }
}
