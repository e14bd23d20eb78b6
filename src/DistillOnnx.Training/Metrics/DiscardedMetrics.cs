namespace DistillOnnx.Training.Metrics;

/// <summary>Discards all figures.</summary>
internal sealed class DiscardedMetrics : IMetricSink
{
    public void Add(int step, string name, double value)
    {
    }

    public void Dispose()
    {
    }
}
