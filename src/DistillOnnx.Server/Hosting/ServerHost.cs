using DistillOnnx.Server.Models;
using DistillOnnx.Server.Services;
using Grpc.HealthCheck;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Console;

namespace DistillOnnx.Server.Hosting;

/// <summary>A server from its options: the web application, its addresses and its models.</summary>
internal sealed class ServerHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Endpoints _endpoints;
    private readonly ModelLifecycle _lifecycle;

    private ServerHost(WebApplication app, Endpoints endpoints)
    {
        _app = app;
        _endpoints = endpoints;
        _lifecycle = app.Services.GetRequiredService<ModelLifecycle>();
    }

    /// <summary>The addresses that are listened on, with the ports that were chosen.</summary>
    public IReadOnlyList<string> Addresses => _endpoints.Bound;

    /// <summary>The application's services.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>Loads the models, warms them up and starts to listen.</summary>
    /// <param name="options">Checked options.</param>
    /// <param name="loader">Opens bundles.</param>
    /// <param name="cancellationToken">Gives the start up.</param>
    /// <exception cref="Core.InputException">A model cannot be served, or an address cannot be listened on.</exception>
    public static async Task<ServerHost> StartAsync(ServerOptions options, IModelLoader loader, CancellationToken cancellationToken)
    {
        var endpoints = new Endpoints(options, TimeProvider.System);
        var app = Build(options, loader, endpoints);
        var host = new ServerHost(app, endpoints);
        try
        {
            await host._lifecycle.LoadAsync(cancellationToken);
            await endpoints.StartAsync(app, cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs until cancelled, then drains.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var stopping = new TaskCompletionSource();
        await using var cancelled = cancellationToken.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), stopping);
        using var stopped = _app.Lifetime.ApplicationStopping.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), stopping);
        await stopping.Task;
        await StopAsync();
    }

    /// <summary>Takes no more calls, answers those that are in, within the drain's bound.</summary>
    public Task StopAsync() => _app.StopAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
    }

    private static WebApplication Build(ServerOptions options, IModelLoader loader, Endpoints endpoints)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(endpoints.Configure);
        builder.Services.AddSingleton<IConnectionListenerFactory, SharedPortTransport>();
        builder.Services.AddSingleton<Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets.SocketTransportFactory>();
        builder.Logging.AddSimpleConsole(c => c.SingleLine = true).SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning);
        builder.Services.Configure<ConsoleLoggerOptions>(c => c.LogToStandardErrorThreshold = LogLevel.Trace);

        builder.Services.AddRouting();
        builder.Services.AddGrpc().AddJsonTranscoding();
        builder.Services.AddGrpcReflection();
        builder.Services.AddSingleton<HealthServiceImpl>();
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton(options).AddSingleton(loader);
        builder.Services.AddSingleton<ModelCatalog>().AddSingleton<ModelLifecycle>();
        builder.Services.AddSingleton<PredictionCalls>().AddSingleton(new RequestLimits());

        var app = builder.Build();
        app.MapGrpcService<PredictionServiceImpl>();
        app.MapGrpcService<HealthServiceImpl>();
        app.MapGrpcReflectionService();
        return app;
    }
}
