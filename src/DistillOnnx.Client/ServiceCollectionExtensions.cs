using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace DistillOnnx.Client;

/// <summary>Adds a client to a program's services.</summary>
public static class ServiceCollectionExtensions
{
    private const string Name = "DistillOnnx.Client";

    /// <summary>
    /// Adds an <see cref="IPredictionClient"/>: one instance for the whole program, safe for any number of threads, over
    /// handlers of <see cref="IHttpMessageHandlerFactory"/>. Options are read from <see cref="PredictionClientOptions"/>,
    /// when the client is first asked for.
    /// </summary>
    /// <param name="services">The program's services.</param>
    /// <param name="configure">Sets the options; null: they are configured elsewhere.</param>
    /// <returns>Adds handlers, for instance for logging, in front of the connections.</returns>
    public static IHttpClientBuilder AddPredictionClient(
        this IServiceCollection services, Action<PredictionClientOptions>? configure = null)
    {
        var options = services.AddOptions<PredictionClientOptions>();
        if (configure is not null) options.Configure(configure);
        services.AddSingleton<IPredictionClient>(Create);

        // The channel keeps its connections and follows the addresses itself, so handlers are not renewed.
        return services.AddHttpClient(Name)
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(s => PredictionChannel.Sockets(Options(s)))
            .AddHttpMessageHandler(() => new LostConnectionHandler())
            .AddHttpMessageHandler(s => new CredentialsHandler(Options(s)));
    }

    private static PredictionClient Create(IServiceProvider services) =>
        new(Options(services), services.GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler(Name));

    private static PredictionClientOptions Options(IServiceProvider services) =>
        services.GetRequiredService<IOptions<PredictionClientOptions>>().Value;
}
