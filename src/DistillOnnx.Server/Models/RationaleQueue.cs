using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Telemetry;

namespace DistillOnnx.Server.Models;

/// <summary>
/// Writes the rationales of one model version, one at a time, apart from the batches of labels. A call takes room for its
/// inputs first and has each of them written in turn with those of other calls, so that a large call does not hold up a small one.
/// </summary>
internal sealed class RationaleQueue(
    string model, IServedPredictor predictor, RationaleLimits limits, IBatchObserver observer, ServerMetrics? metrics, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ExplainSettings _settings = new() { MaxTokens = limits.Tokens };
    private readonly Dictionary<string, int> _held = new(StringComparer.Ordinal);
    private int _rows;
    private int _waiting;
    private TimeSpan _last;

    /// <summary>Inputs that wait, with the one whose rationale is being written.</summary>
    public int Rows
    {
        get
        {
            lock (_lock) return _rows;
        }
    }

    /// <summary>Calls whose input waits for its turn.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Most inputs of one caller that may wait, so that others find room whatever one asks for.</summary>
    public int MaxCallerRows => limits.CallerRows;

    /// <summary>Takes room for a call's inputs, before anything is spent on them.</summary>
    /// <param name="caller">Who calls.</param>
    /// <param name="rows">How many inputs, at most <see cref="MaxCallerRows"/>.</param>
    /// <exception cref="RefusedException">There is none, or none for this caller.</exception>
    public Room Take(string caller, int rows)
    {
        TimeSpan retryAfter;
        RefusalReason reason;
        lock (_lock)
        {
            var held = _held.GetValueOrDefault(caller);
            reason = held + rows > limits.CallerRows ? RefusalReason.CallerShare : RefusalReason.RationaleQueueFull;
            if (held + rows <= limits.CallerRows && _rows + rows <= limits.Rows)
            {
                _rows += rows;
                _held[caller] = held + rows;
                return new Room(this, caller, rows);
            }

            // About when the first of those that wait leaves.
            retryAfter = _last;
        }

        observer.Refused(reason);
        throw new RefusedException(reason, retryAfter);
    }

    /// <summary>Stops what is being written, refuses what waits, and returns when nothing runs any more.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _turn.WaitAsync();
    }

    private async Task<string> ExplainAsync(PredictorInput input, CancellationToken token)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(token, _stop.Token);
        try
        {
            var queued = time.GetTimestamp();
            await WaitAsync(either.Token);
            try
            {
                var started = time.GetTimestamp();
                var text = await Task.Run(() => predictor.Explain(input, _settings, either.Token), CancellationToken.None);
                lock (_lock) _last = time.GetElapsedTime(started);
                metrics?.Explained(model, time.GetElapsedTime(queued, started), time.GetElapsedTime(started));
                return text;
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (OperationCanceledException e)
        {
            metrics?.NotExplained(model, abandoned: true);
            if (token.IsCancellationRequested) throw new OperationCanceledException(e.Message, e, token);
            throw new RefusedException(RefusalReason.Draining, TimeSpan.Zero);
        }
        catch (Exception e)
        {
            metrics?.NotExplained(model, abandoned: false);

            // The input was checked before; what is wrong now is wrong with the bundle's files.
            if (e is InputException) throw new InvalidOperationException(e.Message, e);
            throw;
        }
    }

    private async Task WaitAsync(CancellationToken token)
    {
        var turn = _turn.WaitAsync(token);
        Interlocked.Increment(ref _waiting);
        try
        {
            await turn;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private void Leave(string caller, int rows)
    {
        if (rows == 0) return;
        lock (_lock)
        {
            _rows -= rows;
            if ((_held[caller] -= rows) == 0) _held.Remove(caller);
        }
    }

    /// <summary>Room in the queue for the inputs of one call, used by one thread at a time.</summary>
    internal sealed class Room(RationaleQueue queue, string caller, int rows) : IDisposable
    {
        private int _left = rows;

        /// <summary>Writes the rationale of one input, when its turn comes.</summary>
        /// <exception cref="RefusedException">The model is being closed.</exception>
        /// <exception cref="OperationCanceledException">Nobody waits for it any more.</exception>
        public async Task<string> ExplainAsync(PredictorInput input, CancellationToken token)
        {
            try
            {
                return await queue.ExplainAsync(input, token);
            }
            finally
            {
                _left--;
                queue.Leave(caller, 1);
            }
        }

        /// <summary>Gives back what was not used.</summary>
        public void Dispose()
        {
            queue.Leave(caller, _left);
            _left = 0;
        }
    }
}
