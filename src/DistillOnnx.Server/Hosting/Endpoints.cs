using System.Net;
using System.Net.Sockets;
using DistillOnnx.Core;
using DistillOnnx.Server.Security;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DistillOnnx.Server.Hosting;

/// <summary>The sockets of a server: which there are, what they speak, and where they ended up.</summary>
internal sealed class Endpoints(ServerOptions options, TimeProvider time)
{
    // The number of concurrent calls of a connection is not limited here: the queue refuses what is too many, at once.
    private const int StreamsPerConnection = 4096;

    private readonly List<(ListenAddress Asked, bool IsAdmin, Func<EndPoint> Bound)> _endpoints = [];

    /// <summary>Counts and limits the connections of all of them.</summary>
    public ConnectionGate Gate { get; } = new(FileLimit.Connections(options.Connections, FileLimit.OfProcess()));

    /// <summary>The addresses that are listened on, once started.</summary>
    public IReadOnlyList<string> Bound => Describe(admin: false);

    /// <summary>Those for operators.</summary>
    public IReadOnlyList<string> AdminBound => Describe(admin: true);

    /// <summary>Main addresses that other machines can reach.</summary>
    public IEnumerable<ListenAddress> Exposed => _endpoints.Where(e => !e.IsAdmin && !e.Asked.IsLocal).Select(e => e.Asked);

    /// <summary>Sets Kestrel up.</summary>
    public void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnection;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        foreach (var url in options.Urls) Listen(kestrel, ListenAddress.Parse(url), isAdmin: false);
        foreach (var url in options.AdminUrls) Listen(kestrel, ListenAddress.Parse(url), isAdmin: true);
    }

    /// <summary>Starts the application.</summary>
    /// <exception cref="InputException">An address cannot be listened on.</exception>
    public async Task StartAsync(WebApplication app, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new InputException($"{string.Join(", ", options.Urls.Concat(options.AdminUrls))}: cannot listen: {e.Message}", e);
        }
    }

    private void Listen(KestrelServerOptions kestrel, ListenAddress address, bool isAdmin)
    {
        if (address.IsHttps)
        {
            kestrel.Listen(address.EndPoint, listen =>
            {
                _endpoints.Add((address, isAdmin, () => listen.EndPoint));
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                Gate.Guard(listen);
                Mark(listen, isAdmin);
                listen.UseHttps(https => ServerCertificate.Configure(https, options));
            });
            return;
        }

        var port = new SharedPort(address.EndPoint, Gate, time);
        _endpoints.Add((address, isAdmin, () => port.EndPoint));
        foreach (var protocol in new[] { HttpProtocols.Http1, HttpProtocols.Http2 })
        {
            kestrel.Listen(new SharedPortEndPoint(port, protocol), listen =>
            {
                listen.Protocols = protocol;
                Gate.Release(listen);
                Mark(listen, isAdmin);
            });
        }
    }

    private static void Mark(ListenOptions listen, bool isAdmin)
    {
        if (!isAdmin) return;
        listen.Use(next => connection =>
        {
            connection.Features.Set(AdminConnection.Instance);
            return next(connection);
        });
    }

    private IReadOnlyList<string> Describe(bool admin) =>
        [.. _endpoints.Where(e => e.IsAdmin == admin).Select(e => ListenAddress.Describe(e.Bound(), e.Asked.IsHttps))];
}
