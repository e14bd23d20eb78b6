namespace DistillOnnx.Teacher.Limits;

/// <summary>
/// Keeps requests and tokens below rates per minute by spacing: each request is given the moment from which it may be sent.
/// Nothing is saved up beyond one second, so no window of a minute ever sees more than the rate and that second's share.
/// Below the stated rate, or without one, it follows the rate that the endpoint accepts.
/// </summary>
/// <param name="requestsPerMinute">Requests; null: no limit.</param>
/// <param name="tokensPerMinute">Tokens of prompts and answers; null: no limit.</param>
/// <param name="clock">Source of time and delays.</param>
internal sealed class RateLimiter(double? requestsPerMinute, double? tokensPerMinute, TimeProvider clock)
{
    private const int NoPlace = -1;
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(250);
    private readonly LearnedRate _learned = new();
    private DateTimeOffset _nextRequest = DateTimeOffset.MinValue;
    private DateTimeOffset _nextToken = DateTimeOffset.MinValue;
    private DateTimeOffset _notBefore = DateTimeOffset.MinValue;
    private int _holds;
    private int _underWay;
    private bool _answeredSinceHold;

    /// <summary>Waits until a request may be sent.</summary>
    /// <param name="tokens">Tokens that it will take, estimated.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task AcquireAsync(int tokens, CancellationToken cancellationToken)
    {
        while (true)
        {
            var slot = Take(tokens);
            var wait = slot.At - clock.GetUtcNow();
            if (wait > TimeSpan.Zero) await Task.Delay(wait, clock, cancellationToken).ConfigureAwait(false);
            if (Begin(slot)) return;
            // All requests were held meanwhile, and the places in the queue are assigned again.
            if (slot.Holds != NoPlace) Correct(-tokens);
        }
    }

    /// <summary>
    /// Gives a request its place in the row: the moment from which it may be sent. Places are given for the next moment alone, so that a
    /// rate that changes holds for all but those: a row at a low rate would otherwise keep everyone waiting after the rate has grown.
    /// </summary>
    internal (DateTimeOffset At, int Holds) Take(int tokens)
    {
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            var start = Later(now, _notBefore);
            var (nextRequest, nextToken) = (Later(_nextRequest, now - Burst), Later(_nextToken, now - Burst));
            var spacing = Spacing;
            if (spacing is not null) start = Later(start, nextRequest);
            if (tokensPerMinute is not null) start = Later(start, nextToken);
            if (start > now + Moment) return (now + Moment, NoPlace);
            if (spacing is { } distance) _nextRequest = nextRequest + distance;
            if (tokensPerMinute is { } rate) _nextToken = nextToken + TimeSpan.FromMinutes(tokens / rate);
            return (start, _holds);
        }
    }

    /// <summary>Counts a request as sent where its place still holds when its moment has come.</summary>
    /// <returns>Whether it does.</returns>
    internal bool Begin((DateTimeOffset At, int Holds) slot)
    {
        lock (_lock)
        {
            if (slot.Holds != _holds) return false;
            _underWay++;
            return true;
        }
    }

    /// <summary>Puts right what a request took.</summary>
    /// <param name="difference">Tokens that it took beyond those it was admitted with; negative where it took fewer.</param>
    public void Correct(long difference)
    {
        if (tokensPerMinute is not { } rate) return;
        lock (_lock) _nextToken += TimeSpan.FromMinutes(difference / rate);
    }

    /// <summary>Notes that a request was answered, well or not.</summary>
    public void Answered()
    {
        lock (_lock)
        {
            _underWay--;
            _answeredSinceHold = true;
            _learned.Answered(clock.GetUtcNow());
        }
    }

    /// <summary>Notes that a request was rejected as one too many. Where most are, all requests wait for a moment.</summary>
    /// <param name="retryAfter">How long the endpoint asks to wait; null where it gives no time.</param>
    public void TurnedAway(TimeSpan? retryAfter)
    {
        lock (_lock)
        {
            _underWay--;
            var now = clock.GetUtcNow();
            // Those sent before a hold come back during it, and add no information.
            if (!_learned.TurnedAway(now) || now < _notBefore) return;
            // An endpoint that answers in between, or may yet, needs a lower rate; one that does not is closed until
            // the time that it gives.
            Hold(now + (_answeredSinceHold || _underWay > 0 ? Moment : retryAfter ?? Moment));
            _learned.Closed();
            _answeredSinceHold = false;
        }
    }

    /// <summary>Holds everything back for a while: the endpoint asked for it.</summary>
    /// <param name="time">How long.</param>
    public void Pause(TimeSpan time)
    {
        lock (_lock) Hold(clock.GetUtcNow() + time);
    }

    private void Hold(DateTimeOffset until)
    {
        if (until <= _notBefore) return;
        (_notBefore, _nextRequest) = (until, until);
        _holds++;
    }

    // Seconds between requests: the larger of what is stated and what is learned.
    private TimeSpan? Spacing
    {
        get
        {
            var stated = requestsPerMinute / 60;
            var learned = _learned.PerSecond;
            var rate = stated is null || learned < stated ? learned : stated;
            return rate is { } perSecond ? TimeSpan.FromSeconds(1 / perSecond) : null;
        }
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
