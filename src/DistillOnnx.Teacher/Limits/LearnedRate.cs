namespace DistillOnnx.Teacher.Limits;

/// <summary>
/// Finds the rate that an endpoint allows where it states none, from the requests that it rejects. Second by second: where more than
/// a few are rejected, little more is sent than what was accepted; otherwise the rate grows again, twofold
/// up to the last one that was good, and beyond it slowly at first and faster while nothing is rejected. A few
/// rejected ones are no reason to slow down: they show where the limit is.
/// </summary>
internal sealed class LearnedRate
{
    private const double Headroom = 1.3;
    private const double Growth = 1.05;
    private const double Least = 1;
    private const double Few = 0.1;
    private const int FewAnswers = 8;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private DateTimeOffset _start = DateTimeOffset.MinValue;
    private int _answered;
    private int _rejected;
    private double _good;
    private double _growth = Growth;
    private bool _closed;

    /// <summary>Requests per second; null: nothing was rejected yet.</summary>
    public double? PerSecond { get; private set; }

    /// <summary>Counts a request that was answered.</summary>
    public void Answered(DateTimeOffset now)
    {
        _answered++;
        Advance(now);
    }

    /// <summary>Counts a rejected request.</summary>
    /// <returns>Whether more are rejected than answered: nothing should be sent for a moment.</returns>
    public bool TurnedAway(DateTimeOffset now)
    {
        _rejected++;
        var most = _rejected > _answered + FewAnswers / 2;
        Advance(now);
        return most;
    }

    /// <summary>Notes that nothing is sent for a moment: what is answered meanwhile is less than what is allowed.</summary>
    public void Closed() => _closed = true;

    private void Advance(DateTimeOffset now)
    {
        if (_start == DateTimeOffset.MinValue) _start = now;
        var time = now - _start;
        if (time < Window) return;
        var answered = _answered / time.TotalSeconds;
        var all = _answered + _rejected;
        if (_rejected <= all * Few)
        {
            if (PerSecond is { } rate) PerSecond = rate < _good ? Math.Min(_good, rate * 2) : rate * _growth;
            _growth = _rejected == 0 ? Math.Min(2, 1 + (_growth - 1) * 2) : Growth;
        }
        else if (all >= FewAnswers || _answered == 0)
        {
            // A second with few answers gives no reliable shares.
            _growth = Growth;
            if (_closed) _good = double.MaxValue;
            else if (_answered >= FewAnswers) _good = answered;
            var most = Math.Max(Least, _answered > 0 ? answered * Headroom : (PerSecond ?? 0) / 2);
            PerSecond = PerSecond is { } rate ? Math.Min(rate, most) : most;
        }

        _closed = false;
        (_start, _answered, _rejected) = (now, 0, 0);
    }
}
