namespace DistillOnnx.Stages.Reporting;

/// <summary>Ready-made reporters.</summary>
public static class Reporter
{
    /// <summary>Keeps silent.</summary>
    public static IReporter None { get; } = new Silent();

    private sealed class Silent : IReporter
    {
        public void Progress(string stage, long done, long? total, string? detail = null)
        {
        }

        public void Info(string message)
        {
        }

        public void Warn(string message)
        {
        }
    }
}
