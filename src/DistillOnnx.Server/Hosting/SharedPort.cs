using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DistillOnnx.Server.Hosting;

/// <summary>
/// One cleartext port for HTTP/1.1 and HTTP/2. Without TLS there is no ALPN to choose by, and Kestrel then takes HTTP/1.1
/// wherever both are allowed. An HTTP/2 client, however, begins every connection with <c>PRI * HTTP/2.0</c>, which no
/// HTTP/1.1 request can begin with. So this port reads a connection's first bytes and hands it to one of two Kestrel
/// endpoints, each with a single protocol.
/// </summary>
internal sealed class SharedPort(EndPoint address, ConnectionGate gate, TimeProvider time) : IAsyncDisposable
{
    // A client that connects and sends nothing is disconnected after this long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Channel<ConnectionContext> _http1 = Channel.CreateUnbounded<ConnectionContext>();
    private readonly Channel<ConnectionContext> _http2 = Channel.CreateUnbounded<ConnectionContext>();
    private readonly SemaphoreSlim _gate = new(1, 1);
    private IConnectionListener? _listener;
    private Task _accepting = Task.CompletedTask;
    private bool _unbound;

    /// <summary>The address asked for until bound, then the socket's own.</summary>
    public EndPoint EndPoint => _listener?.EndPoint ?? address;

    /// <summary>Binds the socket, at the first call.</summary>
    public async Task BindAsync(IConnectionListenerFactory sockets, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_listener is not null) return;
            _listener = await sockets.BindAsync(address, cancellationToken);
            _accepting = AcceptAsync(_listener);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The next connection that speaks a protocol, or null once the port is unbound.</summary>
    public async ValueTask<ConnectionContext?> NextAsync(HttpProtocols protocol, CancellationToken cancellationToken)
    {
        var reader = (protocol == HttpProtocols.Http2 ? _http2 : _http1).Reader;
        return await reader.WaitToReadAsync(cancellationToken) && reader.TryRead(out var connection) ? connection : null;
    }

    /// <summary>Takes no more connections.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken)
    {
        // A server that is torn down unbinds with a token that has fired already, and the port must be free after that too.
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (_unbound || _listener is null) return;
            _unbound = true;
            await _listener.UnbindAsync(cancellationToken);
            await _accepting;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync(CancellationToken.None);
        if (_listener is not null) await _listener.DisposeAsync();
    }

    private async Task AcceptAsync(IConnectionListener listener)
    {
        try
        {
            while (await listener.AcceptAsync() is { } connection) _ = gate.TryEnter() ? RouteAsync(connection) : CloseAsync(connection);
        }
        catch (Exception e) when (e is ObjectDisposedException or System.Net.Sockets.SocketException or IOException)
        {
            // The socket is gone: there is nothing more to accept.
        }
        finally
        {
            _http1.Writer.TryComplete();
            _http2.Writer.TryComplete();
        }
    }

    private async Task RouteAsync(ConnectionContext connection)
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience, time);
            var queue = await ProtocolSniffer.IsHttp2Async(connection.Transport.Input, patience.Token) switch
            {
                true => _http2,
                false => _http1,
                null => null,
            };
            if (queue is not null && queue.Writer.TryWrite(connection)) return;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ConnectionAbortedException or InvalidOperationException)
        {
            // The client sent nothing in time, or closed the connection first.
        }

        await CloseAsync(connection);
        gate.Leave();
    }

    private static async Task CloseAsync(ConnectionContext connection)
    {
        connection.Abort();
        await connection.DisposeAsync();
    }
}
