namespace DistillOnnx.Hosting.Batching;

/// <summary>A token that is cancelled when every caller of a batch has left, so that the run stops.</summary>
internal sealed class AbandonedBatch : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<CancellationTokenRegistration> _registrations = [];
    private int _waiting;

    public AbandonedBatch(IReadOnlyList<BatchEntry> batch)
    {
        var calls = batch.Select(e => e.Call).Distinct().ToList();
        _waiting = calls.Count;
        if (!calls.TrueForAll(c => c.Token.CanBeCanceled)) return;
        foreach (var call in calls)
        {
            _registrations.Add(call.Token.UnsafeRegister(static state =>
            {
                var batch = (AbandonedBatch)state!;
                if (Interlocked.Decrement(ref batch._waiting) == 0) batch._source.Cancel();
            }, this));
        }
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        // Waits for a callback that runs just now, so that it never meets a disposed source.
        foreach (var registration in _registrations) registration.Dispose();
        _source.Dispose();
    }
}
