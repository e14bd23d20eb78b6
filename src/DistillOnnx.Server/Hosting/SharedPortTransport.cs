using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace DistillOnnx.Server.Hosting;

/// <summary>Binds <see cref="SharedPortEndPoint"/>s over Kestrel's own sockets.</summary>
internal sealed class SharedPortTransport(SocketTransportFactory sockets) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is SharedPortEndPoint;

    /// <inheritdoc/>
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var half = (SharedPortEndPoint)endpoint;
        await half.Port.BindAsync(sockets, cancellationToken);
        return new Listener(half);
    }

    private sealed class Listener(SharedPortEndPoint half) : IConnectionListener
    {
        public EndPoint EndPoint => half;

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            half.Port.NextAsync(half.Protocol, cancellationToken);

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => half.Port.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => half.Port.DisposeAsync();
    }
}
