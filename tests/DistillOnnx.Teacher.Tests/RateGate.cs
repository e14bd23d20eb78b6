namespace DistillOnnx.Teacher.Tests;

/// <summary>What an endpoint allows: a bucket that fills at a rate. Requests that find it empty are rejected.</summary>
/// <param name="perSecond">Requests per second.</param>
/// <param name="burst">What the bucket holds.</param>
/// <param name="retryAfter">Whether rejected requests get a Retry-After header.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class RateGate(double perSecond, double burst, bool retryAfter, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private double _taken;
    private DateTimeOffset? _at;

    /// <summary>Rejected requests.</summary>
    public int TurnedAway { get; private set; }

    /// <summary>Admits a request, or gives the seconds until the next try; 0: not stated.</summary>
    public bool TryEnter(out int comeBack)
    {
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            _taken = Math.Max(0, _taken - (now - (_at ?? now)).TotalSeconds * perSecond);
            _at = now;
            comeBack = retryAfter ? 1 : 0;
            if (_taken + 1 > burst)
            {
                TurnedAway++;
                return false;
            }

            _taken++;
            return true;
        }
    }
}
