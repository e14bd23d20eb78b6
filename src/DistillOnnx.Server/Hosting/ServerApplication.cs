using DistillOnnx.Server.Collecting;
using DistillOnnx.Server.Fallback;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.OpenApi;
using DistillOnnx.Server.Playground;
using DistillOnnx.Server.Rest;
using DistillOnnx.Server.Security;
using DistillOnnx.Server.Services;
using DistillOnnx.Server.Telemetry;
using Grpc.HealthCheck;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Console;

namespace DistillOnnx.Server.Hosting;

/// <summary>Puts the web application together.</summary>
internal static class ServerApplication
{
    private const string TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";

    private static readonly string[] StartCategories =
    [
        "Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel",
    ];

    public static WebApplication Build(ServerOptions options, IModelLoader? loader, Endpoints endpoints)
    {
        // Empty: nothing of the machine's own configuration, and no address from elsewhere, decides what this server does.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(endpoints.Configure);
        builder.Services.AddSingleton<SocketTransportFactory>().AddSingleton<IConnectionListenerFactory, SharedPortTransport>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.DrainSeconds));
        AddLogging(builder.Logging, options);
        AddServices(builder.Services, options, loader);

        var app = builder.Build();
        endpoints.Gate.Refused = () => app.Services.GetRequiredService<ServerMetrics>().Rejected("", "connections");
        app.UseRouting();
        UnansweredRequests.Use(app);
        CrossOrigin.Use(app, options);
        app.UseGrpcWeb(new GrpcWebOptions { DefaultEnabled = true });
        CallBoundary.Use(app);
        AdminOnly.Use(app);
        app.UseAuthentication();
        app.UseAuthorization();
        EarlyRefusal.Use(app);
        JsonRequests.Use(app, options.MessageBytes);
        Map(app, options);
        return app;
    }

    private static void AddLogging(ILoggingBuilder logging, ServerOptions options)
    {
        // The framework says at Information what this server says itself.
        var framework = AtLeastWarning(options.LogLevel);
        logging.SetMinimumLevel(options.LogLevel)
            .AddFilter("Microsoft", framework)
            .AddFilter("Grpc", framework)
            .AddFilter(CallBoundary.Replaces, LogLevel.None);

        // A start that fails is reported in one line by whoever started the server; these would add the same with a trace.
        foreach (var category in StartCategories) logging.AddFilter(category, LogLevel.None);
        if (options.LogJson) logging.AddJsonConsole(json => Configure(json, TimestampFormat));
        else logging.AddSimpleConsole(console => Configure(console, TimestampFormat + " ").SingleLine = true);
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    private static T Configure<T>(T formatter, string timestamps)
        where T : ConsoleFormatterOptions
    {
        formatter.UseUtcTimestamp = true;
        formatter.TimestampFormat = timestamps;
        return formatter;
    }

    private static LogLevel AtLeastWarning(LogLevel level) => level > LogLevel.Warning ? level : LogLevel.Warning;

    private static void AddServices(IServiceCollection services, ServerOptions options, IModelLoader? loader)
    {
        services.AddRouting();
        services.AddGrpc(grpc =>
            {
                // A path that there is not is answered in one place, whoever asks.
                grpc.IgnoreUnknownServices = true;
                grpc.MaxReceiveMessageSize = options.MessageBytes;
                grpc.Interceptors.Add<CallBoundary>();
            })
            .AddJsonTranscoding(json => json.TypeRegistry = Faults.DetailTypes);
        services.AddGrpcReflection();
        ApiPages.Add(services);
        Access.Add(services, options);
        CrossOrigin.Add(services, options);
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, Denials>();
        Exporters.Add(services, options);
        services.AddSingleton<HealthServiceImpl>();
        services.AddSingleton(TimeProvider.System).AddSingleton(options);
        if (loader is not null) services.AddSingleton(loader);
        else services.AddSingleton<IModelLoader, BundleLoader>();
        services.AddSingleton<ModelCatalog>().AddSingleton<IModelQueues>(s => s.GetRequiredService<ModelCatalog>())
            .AddSingleton<ModelLifecycle>().AddSingleton<ServerMetrics>().AddSingleton<CallBoundary>();
        services.AddSingleton<ModelFolderWatcher>().AddHostedService(s => s.GetRequiredService<ModelFolderWatcher>());
        services.AddSingleton<Collector>().AddHostedService(s => s.GetRequiredService<Collector>()).AddSingleton<TeacherFallback>();
        services.AddSingleton<PredictionCalls>().AddSingleton<InferenceCalls>().AddSingleton(new RequestLimits
        {
            MaxRows = options.MostRequestRows,
            MaxTokens = options.RequestTokens,
            MaxCharacters = options.RequestCharacters,
        });
    }

    private static void Map(WebApplication app, ServerOptions options)
    {
        app.MapGrpcService<PredictionServiceImpl>();
        app.MapGrpcService<InferenceServiceImpl>();
        app.MapGrpcService<DrainingHealth>().AllowAnonymous().WithMetadata(AdminOnly.Everywhere.Instance);
        InferenceEndpoints.Map(app, options);
        ApiPages.Map(app);
        IEndpointConventionBuilder[] operators = [app.MapGrpcReflectionService(), app.MapPrometheusScrapingEndpoint()];
        foreach (var endpoint in operators)
        {
            // An admin address is reached by operators alone, so it asks for no key.
            if (options.AdminUrls.Count > 0) endpoint.AllowAnonymous().WithMetadata(AdminOnly.Instance);
        }

        if (options.Playground) PlaygroundPage.Map(app);
    }
}
