using System.Diagnostics;
using DistillOnnx.Core;
using DistillOnnx.Server.Batching;
using DistillOnnx.Server.Telemetry;
using Grpc.Health.V1;
using Grpc.HealthCheck;

namespace DistillOnnx.Server.Models;

/// <summary>Brings models into service and out of it.</summary>
internal sealed class ModelLifecycle(
    ServerOptions options, IModelLoader loader, ModelCatalog catalog, HealthServiceImpl health, TimeProvider time, ILogger<ModelLifecycle> logger) : IAsyncDisposable
{
    /// <summary>Loads what the options name.</summary>
    /// <exception cref="InputException">A model cannot be served, or two have the same name.</exception>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        foreach (var reference in options.Model.Select(ModelReference.Parse))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Task.Run(() => Load(reference, cancellationToken), cancellationToken);
        }

        health.SetStatus("", HealthCheckResponse.Types.ServingStatus.Serving);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        foreach (var model in catalog.Models.Values.SelectMany(m => m.Versions.Values)) model.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Load(ModelReference reference, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var loaded = loader.Load(reference.Directory, cancellationToken);
        var name = reference.Name ?? loaded.Predictor.Task.Name;
        if (catalog.Models.ContainsKey(name)) throw new InputException($"{reference.Directory}: a model named \"{name}\" is served already; name this one by --model NAME={reference.Directory}");
        catalog.Add(new ModelVersion(name, loaded, new BatchOptions(), new SilentObserver(), time));
        health.SetStatus(name, HealthCheckResponse.Types.ServingStatus.Serving);
        logger.ModelReady(name, loaded.Version, loaded.Predictor.Device, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    private sealed class SilentObserver : IBatchObserver
    {
        public void Ran(BatchReport report)
        {
        }

        public void Refused(RefusalReason reason)
        {
        }

        public void Abandoned(int rows)
        {
        }
    }
}
