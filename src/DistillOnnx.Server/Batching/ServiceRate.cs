namespace DistillOnnx.Server.Batching;

/// <summary>How fast a model serves, learnt from its batches: a moving mean of the time per token.</summary>
internal sealed class ServiceRate
{
    private const double Weight = 0.1;

    // Until a batch has run, nothing is promised and nothing refused.
    private double _secondsPerToken;

    /// <summary>Learns from a batch.</summary>
    public void Observe(long tokens, TimeSpan duration, int lanes)
    {
        if (tokens <= 0) return;
        var seen = duration.TotalSeconds / tokens / lanes;
        var old = Volatile.Read(ref _secondsPerToken);
        Volatile.Write(ref _secondsPerToken, old == 0 ? seen : old + Weight * (seen - old));
    }

    /// <summary>How long so many tokens take.</summary>
    public TimeSpan TimeFor(long tokens) => TimeSpan.FromSeconds(Math.Min(3600, tokens * Volatile.Read(ref _secondsPerToken)));
}
