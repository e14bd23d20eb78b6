using DistillOnnx.Server.Models;

namespace DistillOnnx.Server.Batching;

/// <summary>
/// One model's queue and the threads that run its batches. With the default wait of zero a batch is what gathered while
/// the last one ran: alone, a row runs at once; under load, batches grow by themselves.
/// </summary>
internal sealed class Batcher : IDisposable
{
    // As many batches may pass a waiting call, as far as promises go; a shorter queue is allowed for whole.
    private const int Overtaking = 4;

    private readonly object _lock = new();
    private readonly BatchOptions _options;
    private readonly BatchRunner _runner;
    private readonly IBatchObserver _observer;
    private readonly TimeProvider _time;
    private readonly FairQueue _queue;
    private readonly ServiceRate _rate = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _lanesAlive;
    private long _running;
    private bool _draining;

    public Batcher(string name, IServedPredictor predictor, BatchOptions options, IBatchObserver observer, TimeProvider time)
    {
        _options = options;
        _observer = observer;
        _time = time;
        _runner = new BatchRunner(predictor, time);
        _queue = new FairQueue(options.MaxQueueRows);
        _lanesAlive = options.Lanes;
        for (var i = 0; i < options.Lanes; i++)
            new Thread(Serve) { IsBackground = true, Name = $"batches of {name}" }.Start();
    }

    /// <summary>Rows that wait.</summary>
    public int QueuedRows
    {
        get
        {
            lock (_lock) return _queue.Count;
        }
    }

    /// <summary>Tokens that wait.</summary>
    public long QueuedTokens
    {
        get
        {
            lock (_lock) return _queue.Tokens;
        }
    }

    /// <summary>Teaches the batcher how fast its model is, before the first call.</summary>
    public void Observe(long tokens, TimeSpan duration) => _rate.Observe(tokens, duration, 1);

    /// <summary>Refuses a call whose rows are not known yet, where the queue alone forbids it.</summary>
    /// <exception cref="RefusedException">There is no room for them, or no time.</exception>
    public void RefuseIfFull(string caller, int rows, DateTimeOffset? deadline)
    {
        lock (_lock)
        {
            if (rows <= _options.MaxQueueRows && Refuses(caller, rows, 0, deadline) is { } reason) throw Refusal(reason);
        }
    }

    /// <summary>Queues a call's rows and waits for their answers.</summary>
    /// <exception cref="RefusedException">There is no room for them, or no time.</exception>
    /// <exception cref="OperationCanceledException">The caller went away.</exception>
    /// <exception cref="TimeoutException">The deadline passed before the rows ran.</exception>
    public async Task<RowAnswer[]> RunAsync(BatchCall call)
    {
        Enqueue(call);
        await using var abandon = call.Token.UnsafeRegister(static (state, _) =>
        {
            var (batcher, call) = ((Batcher, BatchCall))state!;
            batcher.Abandon(call);
        }, (this, call));
        return await call.Done;
    }

    /// <summary>Takes no more calls; completes when those that wait are answered.</summary>
    public Task DrainAsync()
    {
        lock (_lock)
        {
            _draining = true;
            Monitor.PulseAll(_lock);
        }

        return _idle.Task;
    }

    /// <summary>Refuses what still waits and stops.</summary>
    public void Dispose()
    {
        List<BatchEntry> left;
        lock (_lock)
        {
            _draining = true;
            left = _queue.Peek(int.MaxValue);
            foreach (var entry in left) _queue.Remove(entry);
            Monitor.PulseAll(_lock);
        }

        foreach (var entry in left) entry.Call.Fail(new RefusedException(RefusalReason.Draining, TimeSpan.Zero));
    }

    private void Enqueue(BatchCall call)
    {
        lock (_lock)
        {
            if (Refuses(call.Caller, call.Entries.Count, call.Entries.Sum(e => (long)e.Row.Tokens), call.Deadline) is { } reason) throw Refusal(reason);
            var now = _time.GetTimestamp();
            foreach (var entry in call.Entries) entry.EnqueuedAt = now;
            _queue.Add(call);
            Monitor.Pulse(_lock);
        }
    }

    private RefusalReason? Refuses(string caller, int rows, long tokens, DateTimeOffset? deadline)
    {
        if (_draining) return RefusalReason.Draining;
        if (_queue.Refuses(caller, rows) is { } full) return full;
        if (deadline is not { } end) return null;

        // Rows of a better length may overtake a call, so it is promised less than its turn.
        var ahead = _queue.TokensUntilServed(caller, tokens);
        var overtaking = Math.Min(Overtaking * (long)_options.MaxTokens, ahead - tokens);
        var needed = _rate.PromiseFor(_running + ahead + overtaking);
        return _time.GetUtcNow() + needed > end ? RefusalReason.WouldMissDeadline : null;
    }

    private RefusedException Refusal(RefusalReason reason)
    {
        _observer.Refused(reason);
        return new RefusedException(reason, _rate.TimeFor(_queue.Tokens + _running));
    }

    private void Abandon(BatchCall call)
    {
        lock (_lock)
        {
            foreach (var entry in call.Entries) _queue.Remove(entry);
        }

        call.Fail(new OperationCanceledException(call.Token));
    }

    private void Serve()
    {
        long? since = null;
        while (Next(ref since) is { } batch)
        {
            var report = _runner.Run(batch);
            lock (_lock) _running -= report.Tokens;

            // Where work was waiting, what lies between two batches takes its time as well.
            var ended = _time.GetTimestamp();
            if (report.Completed) _rate.Observe(report.Tokens, _time.GetElapsedTime(since ?? report.StartedAt, ended), _options.Lanes);
            since = ended;
            _observer.Ran(report);
        }

        if (Interlocked.Decrement(ref _lanesAlive) == 0) _idle.TrySetResult();
    }

    /// <summary>Forms the next batch; null: draining and nothing waits.</summary>
    /// <param name="since">When the last batch ended; set to null where this one was waited for in between.</param>
    private List<BatchEntry>? Next(ref long? since)
    {
        List<BatchEntry> abandoned;
        List<BatchEntry>? batch = null;
        do
        {
            lock (_lock)
            {
                while (_queue.Count == 0)
                {
                    if (_draining) return null;
                    since = null;
                    Monitor.Wait(_lock);
                }

                if (_options.Wait > TimeSpan.Zero && Gather()) since = null;
                abandoned = _queue.RemoveAbandoned(_time.GetUtcNow());
                if (_queue.Count > 0) batch = Form();
            }

            foreach (var entry in abandoned) entry.Call.Fail(new TimeoutException("the deadline passed before the call's turn came"));
            if (abandoned.Count > 0) _observer.Abandoned(abandoned.Count);
        }
        while (batch is null);
        return batch;
    }

    private List<BatchEntry> Form()
    {
        var (order, urgent) = Order(_queue.Peek(_options.Lookahead));
        var plan = BatchPlanner.Plan(order.ConvertAll(e => e.Row.Tokens).ToArray(), _options, urgent);
        List<BatchEntry> batch = [.. plan.Select(i => order[i])];
        _queue.Dispatch(batch);
        _running += batch.Sum(e => (long)e.Row.Tokens);
        return batch;
    }

    /// <summary>
    /// Rows are overtaken by others of a better length as long as there is time. Once a batch of others would make one late,
    /// all rows that are due as early are urgent: they come first, the most urgent at the head.
    /// </summary>
    private (List<BatchEntry> Order, int Urgent) Order(List<BatchEntry> waiting)
    {
        List<BatchEntry> due = [.. waiting.Where(e => e.Call.Deadline is not null).OrderBy(e => e.Call.Deadline)];
        var now = _time.GetUtcNow();
        var urgent = 0;
        long tokens = _options.MaxTokens;
        for (var i = 0; i < due.Count; i++)
        {
            tokens += due[i].Row.Tokens;
            if (due[i].Call.Deadline <= now + _rate.PromiseFor(tokens)) urgent = i + 1;
        }

        if (urgent == 0) return (waiting, 0);
        var first = due[..urgent];
        return ([.. first, .. waiting.Except(first)], urgent);
    }

    /// <summary>Waits for a batch that is not full. Returns whether it had to.</summary>
    private bool Gather()
    {
        var waited = false;
        var since = _queue.Peek(1)[0].EnqueuedAt;
        while (!_draining && _queue.Count > 0 && _queue.Count < _options.MaxRows && _queue.Tokens < _options.MaxTokens)
        {
            var left = _options.Wait - _time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero) break;
            Monitor.Wait(_lock, left);
            waited = true;
        }

        return waited;
    }
}
