using DistillOnnx.Core.Tasks;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Telemetry;

namespace DistillOnnx.Server.Models;

/// <summary>
/// One version of a model as it is served. Calls hold a lease on it; it is closed when it is retired and the last lease is
/// back.
/// </summary>
internal sealed class ModelVersion : IDisposable
{
    private readonly object _lock = new();
    private readonly TaskCompletionSource _free = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _leases;
    private Task? _retiring;

    public ModelVersion(
        string name,
        LoadedModel loaded,
        BatchOptions options,
        IBatchObserver observer,
        TimeProvider time,
        RationaleLimits? rationales = null,
        ServerMetrics? metrics = null)
    {
        Name = name;
        Version = loaded.Version;
        Predictor = loaded.Predictor;
        Batcher = new Batcher(name, loaded.Predictor, options, observer, time);
        Rationales = new RationaleQueue(name, loaded.Predictor, rationales ?? new RationaleLimits(), observer, metrics, time);
    }

    public string Name { get; }

    public string Version { get; }

    public TaskSpec Task => Predictor.Task;

    public IServedPredictor Predictor { get; }

    public Batcher Batcher { get; }

    /// <summary>Writes rationales, apart from the batches.</summary>
    public RationaleQueue Rationales { get; }

    /// <summary>Takes a lease. Null: the version is retired, so look the model up again.</summary>
    public Lease? TryLease()
    {
        lock (_lock)
        {
            if (_retiring is not null) return null;
            _leases++;
            return new Lease(this);
        }
    }

    /// <summary>
    /// Gives no more leases, waits for those that are out, and closes the model. Every call returns the task of the first.
    /// </summary>
    /// <param name="bound">How long to wait; after that, what still queues is refused. That of the first call counts.</param>
    public Task RetireAsync(TimeSpan bound)
    {
        lock (_lock)
        {
            if (_retiring is not null) return _retiring;
            if (_leases == 0) _free.TrySetResult();

            // On another thread, so that nothing of it runs while the lock is held.
            return _retiring = System.Threading.Tasks.Task.Run(() => CloseAsync(bound));
        }
    }

    /// <summary>Refuses what still queues and closes the model. Nothing may be running.</summary>
    public void Dispose()
    {
        Batcher.Dispose();
        Predictor.Dispose();
    }

    private async Task CloseAsync(TimeSpan bound)
    {
        try
        {
            await _free.Task.WaitAsync(bound);
        }
        catch (TimeoutException)
        {
            Batcher.Dispose();
        }

        await Rationales.StopAsync();
        await Batcher.DrainAsync();
        Dispose();
    }

    private void Return()
    {
        lock (_lock)
        {
            if (--_leases == 0 && _retiring is not null) _free.TrySetResult();
        }
    }

    /// <summary>The right to use a version until it is disposed.</summary>
    internal sealed class Lease(ModelVersion model) : IDisposable
    {
        private int _returned;

        public ModelVersion Model => model;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) == 0) model.Return();
        }
    }
}
