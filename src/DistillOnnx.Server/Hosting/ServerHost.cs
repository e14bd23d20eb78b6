using DistillOnnx.Server.Fallback;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Telemetry;

namespace DistillOnnx.Server.Hosting;

/// <summary>A running server: its addresses, its models, and its end.</summary>
internal sealed class ServerHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Endpoints _endpoints;
    private readonly ServerOptions _options;
    private readonly ModelLifecycle _lifecycle;
    private readonly ILogger _logger;
    private Task? _stopping;

    private ServerHost(WebApplication app, Endpoints endpoints, ServerOptions options)
    {
        _app = app;
        _endpoints = endpoints;
        _options = options;
        _lifecycle = app.Services.GetRequiredService<ModelLifecycle>();
        _logger = app.Services.GetRequiredService<ILogger<ServerHost>>();
    }

    /// <summary>The addresses that are listened on, with the ports that were chosen.</summary>
    public IReadOnlyList<string> Addresses => _endpoints.Bound;

    /// <summary>The same for operators; empty: they use the main ones.</summary>
    public IReadOnlyList<string> AdminAddresses => _endpoints.AdminBound;

    /// <summary>The application's services.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>Loads the models, warms them up and starts to listen.</summary>
    /// <param name="options">Checked options.</param>
    /// <param name="loader">Opens bundles; null: with ONNX Runtime.</param>
    /// <param name="cancellationToken">Gives the start up.</param>
    /// <exception cref="Core.InputException">A model cannot be served, or an address cannot be listened on.</exception>
    public static async Task<ServerHost> StartAsync(ServerOptions options, IModelLoader? loader, CancellationToken cancellationToken)
    {
        var endpoints = new Endpoints(options, TimeProvider.System);
        var host = new ServerHost(ServerApplication.Build(options, loader, endpoints), endpoints, options);
        try
        {
            await Task.Run(() => host.Load(cancellationToken), cancellationToken);
            await endpoints.StartAsync(host._app, cancellationToken);
            host.Announce();
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs until cancelled, then stops.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var stop = new TaskCompletionSource();
        await using var cancelled = cancellationToken.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), stop);
        await stop.Task;
        await StopAsync();
    }

    /// <summary>
    /// Says that it is not ready, waits for balancers to notice, takes no more calls, and answers those that are in, within
    /// the drain's bound.
    /// </summary>
    public Task StopAsync() => _stopping ??= StopOnceAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _lifecycle.CloseAsync();
        await _app.DisposeAsync();
    }

    private async Task StopOnceAsync()
    {
        _lifecycle.NotReady();
        _logger.Draining(_options.DrainSeconds);
        if (_options.DrainDelaySeconds > 0) await Task.Delay(TimeSpan.FromSeconds(_options.DrainDelaySeconds));
        await _app.StopAsync();
        await _lifecycle.CloseAsync();
        _logger.Stopped();
    }

    private void Load(CancellationToken cancellationToken)
    {
        // A teacher that cannot be used is found before models are loaded.
        _app.Services.GetRequiredService<TeacherFallback>();
        _lifecycle.LoadNamed(cancellationToken);
        _app.Services.GetRequiredService<ModelFolderWatcher>().Load(cancellationToken);
        _lifecycle.Ready();
    }

    /// <summary>Says which limits follow from others, rather than from the options.</summary>
    private void Limits()
    {
        var connections = _endpoints.Gate.Limit;
        if (connections != _options.Connections) _logger.FewerConnections(connections, FileLimit.OfProcess() ?? 0);
        if (_options.RequestRows == 0 && _options.MostRequestRows == _options.QueueRows)
            _logger.FewerRequestRows(_options.MostRequestRows);
    }

    private void Announce()
    {
        // Otherwise the program says it on a line of its own, which scripts wait for.
        if (_options.LogJson) foreach (var address in Addresses.Concat(AdminAddresses)) _logger.Listening(address);
        Limits();
        foreach (var address in _endpoints.Exposed)
        {
            if (!Security.Access.IsRestricted(_options) && _options.TlsClientCa is null) _logger.OpenToAll(address.Url);
            if (!address.IsHttps) _logger.NotEncrypted(address.Url);
        }
    }
}
