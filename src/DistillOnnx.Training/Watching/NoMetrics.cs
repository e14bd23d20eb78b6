namespace DistillOnnx.Training.Watching;

/// <summary>Lets figures fall.</summary>
internal sealed class NoMetrics : IMetricSink
{
    public void Add(int step, string name, double value)
    {
    }

    public void Dispose()
    {
    }
}
