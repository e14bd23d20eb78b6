namespace DistillOnnx.Hosting.Batching;

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
    private readonly IServedPredictor _predictor;
    private readonly IBatchObserver _observer;
    private readonly TimeProvider _time;
    private readonly FairQueue _queue;
    private readonly BatchFormer _former;
    private readonly ServiceRate _rate = new();
    private readonly BatchRunner _onCallers;
    private readonly CallerRuns _callers;
    private readonly bool _runsOnCallers;
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _lanesAlive;
    private int _running;
    private long _runningTokens;
    private bool _alone;
    private bool _draining;

    public Batcher(
        string name, IServedPredictor predictor, BatchOptions options, IBatchObserver observer, TimeProvider time,
        CallerRuns? callers = null)
    {
        _callers = callers ?? CallerRuns.OfProcess;
        _options = options;
        _observer = observer;
        _time = time;
        _predictor = predictor;
        _queue = new FairQueue(options.MaxQueueRows, options.OneCaller);
        _former = new BatchFormer(_queue, options, _rate, time);
        _onCallers = new BatchRunner(predictor, lane: 0, time);

        // On a GPU another batch is made ready while one runs.
        _runsOnCallers = options.Wait == TimeSpan.Zero && !predictor.OnGpu;
        _lanesAlive = options.Lanes;
        for (var i = 0; i < options.Lanes; i++)
        {
            var lane = i;
            new Thread(() => Serve(lane)) { IsBackground = true, Name = $"batches of {name}" }.Start();
        }
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

    /// <summary>Why a call whose rows are not known yet is refused, if they are like those that wait; null: it is not.</summary>
    public RefusedException? RefusalOf(string caller, int rows, DateTimeOffset? deadline)
    {
        if (rows > _options.MaxQueueRows) return null;
        lock (_lock)
        {
            var tokens = _queue.Count == 0 ? 0 : rows * _queue.Tokens / _queue.Count;
            return Refuses(caller, rows, tokens, deadline) is { } reason ? Refusal(reason) : null;
        }
    }

    /// <summary>Queues a call's rows and waits for their answers.</summary>
    /// <exception cref="RefusedException">There is no room for them, or no time.</exception>
    /// <exception cref="OperationCanceledException">The caller went away.</exception>
    /// <exception cref="TimeoutException">The deadline passed before the rows ran.</exception>
    public async Task<RowAnswer[]> RunAsync(BatchCall call)
    {
        if (Enqueue(call) is { } batch) RunOnCaller(batch);
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

    /// <summary>Queues a call's rows; or, where nothing else is to be done, gives them back as a batch that its caller is to run.</summary>
    private Batch? Enqueue(BatchCall call)
    {
        lock (_lock)
        {
            if (Refuses(call.Caller, call.Entries.Count, call.Entries.Sum(e => (long)e.Row.Tokens), call.Deadline) is { } reason)
                throw Refusal(reason);
            var now = _time.GetTimestamp();
            foreach (var entry in call.Entries) entry.EnqueuedAt = now;
            _queue.Add(call);
            if (call.RunsOnCaller && _runsOnCallers && _running == 0 && _queue.Count == 1 && _callers.TryEnter())
            {
                var batch = Start();

                // No lane may start another, whether or not lanes have threads of their own.
                _alone = true;
                return batch;
            }

            Monitor.Pulse(_lock);
            return null;
        }
    }

    private void RunOnCaller(Batch batch)
    {
        var report = _onCallers.Run(batch);
        _callers.Exit();
        Report(batch, report, since: null);
    }

    private RefusalReason? Refuses(string caller, int rows, long tokens, DateTimeOffset? deadline)
    {
        if (_draining) return RefusalReason.Draining;
        var now = _time.GetUtcNow();
        if (now >= deadline) return RefusalReason.DeadlinePassed;
        if (_queue.Refuses(caller, rows) is { } full) return full;
        if (deadline is not { } end) return null;

        // Rows of a better length may overtake a call, so it is promised less than its turn.
        var ahead = _queue.TokensUntilServed(caller, tokens);
        var overtaking = Math.Min(Overtaking * (long)_options.TokensAtOnce, ahead - tokens);
        var needed = _rate.PromiseFor(_runningTokens + ahead + overtaking);
        if (now + needed <= end) return null;
        return _queue.Count == 0 && _running == 0 ? RefusalReason.DeadlineTooShort : RefusalReason.WouldMissDeadline;
    }

    private RefusedException Refusal(RefusalReason reason)
    {
        _observer.Refused(reason);
        return new RefusedException(reason, _rate.TimeFor(_queue.Tokens + _runningTokens));
    }

    private void Abandon(BatchCall call)
    {
        lock (_lock)
        {
            foreach (var entry in call.Entries) _queue.Remove(entry);
        }

        call.Fail(new OperationCanceledException(call.Token));
    }

    private void Serve(int lane)
    {
        var runner = new BatchRunner(_predictor, lane, _time);
        long? since = null;
        while (Next(ref since) is { } batch)
        {
            since = Report(batch, runner.Run(batch), since);
        }

        if (Interlocked.Decrement(ref _lanesAlive) == 0) _idle.TrySetResult();
    }

    /// <summary>After a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="report">What it did.</param>
    /// <param name="since">When the batch before it ended, where this one was waiting then.</param>
    /// <returns>When it ended.</returns>
    private long Report(Batch batch, BatchReport report, long? since)
    {
        var ended = _time.GetTimestamp();
        lock (_lock) Ended(batch);

        // Where work was waiting, what lies between two batches takes its time as well.
        var lanes = batch.SideBySide || !_options.SideBySide ? _options.Lanes : 1;
        if (report.Completed) _rate.Observe(batch.Tokens, _time.GetElapsedTime(since ?? report.StartedAt, ended), lanes);
        _observer.Ran(report);
        return ended;
    }

    /// <summary>Forms the next batch; null: draining and nothing waits.</summary>
    /// <param name="since">When this lane's last batch ended; set to null where this one was waited for in between.</param>
    private Batch? Next(ref long? since)
    {
        Batch? batch = null;
        do
        {
            List<BatchEntry> abandoned;
            lock (_lock)
            {
                while (_queue.Count == 0 || _alone)
                {
                    // A batch that runs on its caller's thread needs the model until it ends.
                    if (_draining && _queue.Count == 0 && !_alone) return null;
                    since = null;
                    Monitor.Wait(_lock);
                }

                if (_options.Wait > TimeSpan.Zero && Gather()) since = null;
                abandoned = _queue.RemoveAbandoned(_time.GetUtcNow());
                if (_queue.Count > 0 && !_alone) batch = Start();
            }

            foreach (var entry in abandoned) entry.Call.Fail(new TimeoutException("the deadline passed before the call's turn came"));
            if (abandoned.Count > 0) _observer.Abandoned(abandoned.Count);
        }
        while (batch is null);
        return batch;
    }

    private Batch Start()
    {
        var batch = _former.Form(besideOthers: _running > 0);
        _queue.Dispatch(batch.Entries);
        _running++;
        _runningTokens += batch.Tokens;
        _alone = _options.SideBySide && !batch.SideBySide;

        // Whoever waits for rows was told of each; but that lanes are to be taken, only this batch shows.
        if (batch.SideBySide) Monitor.PulseAll(_lock);
        return batch;
    }

    private void Ended(Batch batch)
    {
        _running--;
        _runningTokens -= batch.Tokens;
        if (_alone || _options.Lanes > 1) Monitor.PulseAll(_lock);
        _alone = false;
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
