using System.Net.Security;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Balancer;
using Grpc.Net.Client.Configuration;

namespace DistillOnnx.Client;

/// <summary>The channel below a client: retries, load balancing, keep-alive and credentials.</summary>
internal static class PredictionChannel
{
    /// <summary>Creates the channel.</summary>
    /// <param name="options">The options.</param>
    /// <param name="handler">What sends requests, owned by its caller; null: a handler of its own.</param>
    /// <exception cref="ArgumentException">The options cannot be used.</exception>
    public static GrpcChannel Create(PredictionClientOptions options, HttpMessageHandler? handler = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxAttempts, 5);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Deadline, TimeSpan.Zero);
        if (options.Addresses.Count == 0) throw new ArgumentException("no server is named", nameof(options));

        foreach (var address in options.Addresses)
        {
            if (!IsAddress(address))
                throw new ArgumentException(
                    $"\"{address}\": expected an address such as http://127.0.0.1:5080 or dns:///name:5080", nameof(options));
        }

        if (options.Addresses.Count > 1 && options.Addresses.Any(a => a.StartsWith("dns:", StringComparison.OrdinalIgnoreCase)))
            throw new ArgumentException("a dns address stands for all its servers, so it must be the only one", nameof(options));

        var many = options.Addresses.Count > 1;
        var secure = options.Addresses[0].StartsWith("https:", StringComparison.OrdinalIgnoreCase) || options.Tls is not null;
        if (many && options.Addresses.Any(a => a.StartsWith("https:", StringComparison.OrdinalIgnoreCase) != secure))
            throw new ArgumentException("servers must be all https or all http", nameof(options));

        BalancerAddress[] servers = many
            ? [.. options.Addresses.Select(a => new Uri(a)).Select(u => new BalancerAddress(u.Host, u.Port))]
            : [];
        var resolvers = new StaticResolverFactory(_ => servers);
        return GrpcChannel.ForAddress(many ? "static:///servers" : options.Addresses[0], new GrpcChannelOptions
        {
            Credentials = secure ? ChannelCredentials.SecureSsl : ChannelCredentials.Insecure,
            HttpHandler = handler ?? WithCredentials(options, Sockets(options)),
            DisposeHttpClient = handler is null,
            MaxReceiveMessageSize = options.MaxReceiveBytes,
            ServiceConfig = Service(options),
            ServiceProvider = many ? new OneService(resolvers) : null,
        });
    }

    /// <summary>The handler that has the connections.</summary>
    public static SocketsHttpHandler Sockets(PredictionClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,

            // A server that is cut off refuses nothing: until its connection is given up, calls go there and end with their deadline.
            KeepAlivePingDelay = TimeSpan.FromSeconds(3),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(2),
            ConnectTimeout = TimeSpan.FromSeconds(5),
        };
        if (options.Tls is { } tls)
        {
            handler.SslOptions = new SslClientAuthenticationOptions();
            tls(handler.SslOptions);
        }

        return handler;
    }

    private static LostConnectionHandler WithCredentials(PredictionClientOptions options, SocketsHttpHandler handler) => new()
    {
        InnerHandler = options.ApiKey is null && options.BearerToken is null ? handler
            : new CredentialsHandler(options) { InnerHandler = handler },
    };

    private static bool IsAddress(string address) => Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme switch
    {
        "http" or "https" => uri.Host.Length > 0,
        "dns" => uri.AbsolutePath.Trim('/').Length > 0,
        _ => false,
    };

    private static ServiceConfig Service(PredictionClientOptions options)
    {
        var config = new ServiceConfig { LoadBalancingConfigs = { new RoundRobinConfig() } };
        if (options.MaxAttempts == 1) return config;
        config.MethodConfigs.Add(new MethodConfig
        {
            Names = { MethodName.Default },
            RetryPolicy = new RetryPolicy
            {
                MaxAttempts = options.MaxAttempts,
                InitialBackoff = TimeSpan.FromMilliseconds(50),
                MaxBackoff = TimeSpan.FromSeconds(2),
                BackoffMultiplier = 2,
                RetryableStatusCodes = { StatusCode.Unavailable, StatusCode.ResourceExhausted },
            },
        });
        return config;
    }

    /// <summary>Hands the resolver to the channel, without a container for one object.</summary>
    private sealed class OneService(ResolverFactory resolver) : IServiceProvider
    {
        public object? GetService(Type serviceType) => serviceType == typeof(IEnumerable<ResolverFactory>) ? new[] { resolver } : null;
    }
}
