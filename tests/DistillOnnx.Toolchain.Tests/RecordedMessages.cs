using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Tests;

/// <summary>Keeps what a stage says.</summary>
internal sealed class RecordedMessages : IReporter
{
    /// <summary>The warnings.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>The other messages.</summary>
    public List<string> Messages { get; } = [];

    /// <summary>The stages that reported progress.</summary>
    public HashSet<string> Stages { get; } = [];

    public void Progress(string stage, long done, long? total, string? detail = null) => Stages.Add(stage);

    public void Info(string message) => Messages.Add(message);

    public void Warn(string message) => Warnings.Add(message);
}
