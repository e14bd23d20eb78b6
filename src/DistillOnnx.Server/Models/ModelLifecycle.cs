using System.Diagnostics;
using DistillOnnx.Core;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Telemetry;
using Grpc.Health.V1;
using Grpc.HealthCheck;

namespace DistillOnnx.Server.Models;

/// <summary>Brings models into service and out of it: opened, checked, warmed up, switched to in one step, drained, closed.</summary>
internal sealed class ModelLifecycle(
    ServerOptions options,
    IModelLoader loader,
    ModelCatalog catalog,
    HealthServiceImpl health,
    ServerMetrics metrics,
    TimeProvider time,
    ILogger<ModelLifecycle> logger)
{
    private static readonly string[] Services = ["", "distillonnx.v1.PredictionService", "inference.GRPCInferenceService"];

    private readonly List<Task> _retiring = [];

    /// <summary>Loads the models that are named one by one.</summary>
    /// <exception cref="InputException">A model cannot be served, or two have the same name.</exception>
    public void LoadNamed(CancellationToken cancellationToken)
    {
        foreach (var reference in options.Model.Select(ModelReference.Parse))
        {
            var loaded = loader.Load(reference.Directory, cancellationToken);
            var name = NameFor(reference, loaded);
            if (!catalog.Models.ContainsKey(name))
            {
                Serve(name, loaded, cancellationToken);
                continue;
            }

            loaded.Predictor.Dispose();
            throw new InputException(
                $"{reference.Directory}: a model named \"{name}\" is served already; "
                + $"name this one with --model NAME={reference.Directory}");
        }
    }

    /// <summary>Whether the server has its models and is not stopping.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Says to the health service that the server is ready.</summary>
    public void Ready()
    {
        IsReady = true;
        SetHealth(Services, HealthCheckResponse.Types.ServingStatus.Serving);
    }

    /// <summary>Says to the health service that no more calls should come.</summary>
    public void NotReady()
    {
        IsReady = false;
        SetHealth([.. Services, .. catalog.Models.Keys], HealthCheckResponse.Types.ServingStatus.NotServing);
    }

    /// <summary>Loads a bundle and switches to it. Returns null, and leaves all as it was, where the bundle is at fault.</summary>
    /// <param name="name">The model.</param>
    /// <param name="directory">The bundle directory.</param>
    /// <param name="version">Its version; null: a hash over the bundle's files.</param>
    /// <param name="makeCurrent">Whether calls without a version go to it from now on.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public ModelVersion? TrySwitch(string name, string directory, string? version, bool makeCurrent, CancellationToken cancellationToken)
    {
        try
        {
            var loaded = loader.Load(directory, cancellationToken);
            var model = Serve(name, version is null ? loaded : loaded with { Version = version }, cancellationToken, makeCurrent);
            metrics.Switched(name, served: true);
            return model;
        }
#pragma warning disable CA1031 // Whatever a dropped bundle does, the one in service goes on.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            metrics.Switched(name, served: false);
            logger.ModelRejected(name, directory, e.Message.ReplaceLineEndings(" "));
            return null;
        }
    }

    /// <summary>
    /// Takes a version out of service, where it still is: no call is lost, and it is closed when its last one is answered.
    /// </summary>
    public void Retire(ModelVersion model)
    {
        catalog.Remove(model);
        if (!catalog.Models.ContainsKey(model.Name)) health.SetStatus(model.Name, HealthCheckResponse.Types.ServingStatus.NotServing);
        lock (_retiring)
        {
            _retiring.RemoveAll(t => t.IsCompleted);
            _retiring.Add(RetireAsync(model));
        }
    }

    /// <summary>Closes every model, each when its last call is answered.</summary>
    public async Task CloseAsync()
    {
        foreach (var model in catalog.Models.Values.SelectMany(m => m.Versions.Values)) Retire(model);
        Task[] retiring;
        lock (_retiring) retiring = [.. _retiring];
        await Task.WhenAll(retiring);
    }

    private static string NameFor(ModelReference reference, LoadedModel loaded)
    {
        try
        {
            return reference.NameFor(loaded.Predictor.Task.Name);
        }
        catch
        {
            loaded.Predictor.Dispose();
            throw;
        }
    }

    private ModelVersion Serve(string name, LoadedModel loaded, CancellationToken cancellationToken, bool makeCurrent = true)
    {
        var started = Stopwatch.GetTimestamp();
        var model = new ModelVersion(
            name,
            loaded,
            BatchOptions.Of(ServerBatches.Limits(options), loaded.Predictor),
            metrics.ForModel(name),
            time,
            new RationaleLimits(options.RationaleTokens, options.RationaleRows),
            metrics);
        try
        {
            Warmup.Run(model, cancellationToken);
        }
        catch
        {
            model.Dispose();
            throw;
        }

        var replaced = catalog.Models.GetValueOrDefault(name)?.Versions.GetValueOrDefault(model.Version);
        catalog.Add(model, makeCurrent);
        health.SetStatus(name, HealthCheckResponse.Types.ServingStatus.Serving);
        logger.ModelReady(name, loaded.Version, loaded.Predictor.Device, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        if (replaced is not null) Retire(replaced);
        return model;
    }

    private async Task RetireAsync(ModelVersion model)
    {
        await model.RetireAsync(TimeSpan.FromSeconds(options.DrainSeconds));
        logger.ModelRetired(model.Name, model.Version);
    }

    private void SetHealth(IEnumerable<string> services, HealthCheckResponse.Types.ServingStatus status)
    {
        foreach (var service in services) health.SetStatus(service, status);
    }
}
