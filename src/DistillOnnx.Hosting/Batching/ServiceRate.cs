namespace DistillOnnx.Hosting.Batching;

/// <summary>
/// How fast a model serves, learnt from its batches: moving means of the time per token and of how far batches are off it,
/// in the way in which TCP learns round trips (RFC 6298). So promises have the more room the less even the machine is.
/// Safe for several threads.
/// </summary>
internal sealed class ServiceRate
{
    private const double MeanWeight = 1.0 / 8, SpreadWeight = 1.0 / 4;

    // A first batch says nothing of the spread yet.
    private const double FirstSpread = 1.0 / 8;

    // Spreads above the mean that a promise allows for.
    private const double Room = 2;

    private readonly Lock _lock = new();

    // Seconds per token. Until a batch has run, nothing is promised and nothing refused.
    private double _mean;
    private double _spread;

    /// <summary>Learns from a batch.</summary>
    public void Observe(long tokens, TimeSpan duration, int lanes)
    {
        if (tokens <= 0) return;
        var seen = duration.TotalSeconds / tokens / lanes;
        lock (_lock)
        {
            if (_mean == 0) (_mean, _spread) = (seen, FirstSpread * seen);
            _spread += SpreadWeight * (Math.Abs(seen - _mean) - _spread);
            _mean += MeanWeight * (seen - _mean);
        }
    }

    /// <summary>How long so many tokens take on average.</summary>
    public TimeSpan TimeFor(long tokens) => Of(tokens, 0);

    /// <summary>How long so many tokens take where the next batches are slower than usual.</summary>
    public TimeSpan PromiseFor(long tokens) => Of(tokens, Room);

    private TimeSpan Of(long tokens, double room)
    {
        lock (_lock) return TimeSpan.FromSeconds(Math.Min(3600, tokens * (_mean + room * _spread)));
    }
}
