namespace DistillOnnx.Teacher.Limits;

/// <summary>
/// Keeps requests and tokens below rates per minute by spacing: each request is given the moment from which it may be sent.
/// Nothing is saved up beyond one second, so no window of a minute ever sees more than the rate and that second's share.
/// </summary>
/// <param name="requestsPerMinute">Requests; null: no limit.</param>
/// <param name="tokensPerMinute">Tokens of prompts and answers; null: no limit.</param>
/// <param name="clock">Tells and waits for the time.</param>
public sealed class RateLimiter(double? requestsPerMinute, double? tokensPerMinute, TimeProvider clock)
{
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private DateTimeOffset _nextRequest = DateTimeOffset.MinValue;
    private DateTimeOffset _nextToken = DateTimeOffset.MinValue;
    private DateTimeOffset _notBefore = DateTimeOffset.MinValue;

    /// <summary>Waits until a request may be sent.</summary>
    /// <param name="tokens">Tokens that it will take, as far as can be told.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task AcquireAsync(int tokens, CancellationToken cancellationToken)
    {
        while (true)
        {
            TimeSpan wait;
            lock (_lock)
            {
                var now = clock.GetUtcNow();
                var start = Later(now, _notBefore);
                if (requestsPerMinute is { } requests) start = Later(start, _nextRequest);
                if (tokensPerMinute is { } rate) start = Later(start, _nextToken);
                wait = start - now;
                if (wait <= TimeSpan.Zero)
                {
                    if (requestsPerMinute is { } perMinute) _nextRequest = Later(_nextRequest, now - Burst) + TimeSpan.FromMinutes(1 / perMinute);
                    if (tokensPerMinute is { } tokenRate) _nextToken = Later(_nextToken, now - Burst) + TimeSpan.FromMinutes(tokens / tokenRate);
                    return;
                }
            }

            await Task.Delay(wait, clock, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Puts right what a request took.</summary>
    /// <param name="difference">Tokens that it took beyond those it was let through for; negative where it took fewer.</param>
    public void Correct(long difference)
    {
        if (tokensPerMinute is not { } rate) return;
        lock (_lock) _nextToken += TimeSpan.FromMinutes(difference / rate);
    }

    /// <summary>Holds everything back for a while: the endpoint said that it has had too much.</summary>
    /// <param name="time">How long.</param>
    public void Pause(TimeSpan time)
    {
        lock (_lock) _notBefore = Later(_notBefore, clock.GetUtcNow() + time);
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
