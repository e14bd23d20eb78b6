using System.Net;
using DistillOnnx.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DistillOnnx.Server.Hosting;

/// <summary>The sockets of a server: which there are, what they speak, and where they ended up.</summary>
internal sealed class Endpoints(ServerOptions options, TimeProvider time)
{
    private readonly List<(ListenAddress Asked, Func<EndPoint> Bound)> _endpoints = [];

    /// <summary>The addresses that are listened on, once started.</summary>
    public IReadOnlyList<string> Bound => [.. _endpoints.Select(e => ListenAddress.Describe(e.Bound(), e.Asked.IsHttps))];

    /// <summary>Sets Kestrel up.</summary>
    public void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        foreach (var url in options.Urls) Listen(kestrel, ListenAddress.Parse(url));
    }

    /// <summary>Starts the application.</summary>
    /// <exception cref="InputException">An address cannot be listened on.</exception>
    public async Task StartAsync(WebApplication app, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            throw new InputException($"{string.Join(", ", options.Urls)}: cannot listen: {e.Message}", e);
        }
    }

    private void Listen(KestrelServerOptions kestrel, ListenAddress address)
    {
        if (!address.IsHttps)
        {
            var port = new SharedPort(address.EndPoint, time);
            _endpoints.Add((address, () => port.EndPoint));
            kestrel.Listen(new SharedPortEndPoint(port, HttpProtocols.Http1), listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(new SharedPortEndPoint(port, HttpProtocols.Http2), listen => listen.Protocols = HttpProtocols.Http2);
            return;
        }

        kestrel.Listen(address.EndPoint, listen =>
        {
            _endpoints.Add((address, () => listen.EndPoint));
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps();
        });
    }
}
