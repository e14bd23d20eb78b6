using System.Net.Sockets;

namespace DistillOnnx.Client;

/// <summary>
/// Says of a call whose connection was given up, because its server does not answer pings or ended before their handshake,
/// that the server is unavailable, so that it is tried again. By itself it ends as an error of the protocol, which nobody
/// tries again. To predict twice changes nothing.
/// </summary>
internal sealed class LostConnectionHandler : DelegatingHandler
{
    // HTTP/2's PROTOCOL_ERROR, under which the handler of the connections closes one whose ping is not answered.
    private const long ProtocolError = 1;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (IsLost(e) || IsNotEstablished(e))
        {
            // gRPC takes a fault of a socket, and no other, for a server that is away.
            throw new HttpRequestException(
                HttpRequestError.ConnectionError,
                "the connection to the server was lost",
                new SocketException((int)SocketError.ConnectionReset));
        }
    }

    // Of a connection that ends before the handshake of HTTP/2 is over, the handler tells neither a cause nor a kind.
    private static bool IsNotEstablished(HttpRequestException e) =>
        e is { HttpRequestError: HttpRequestError.Unknown, InnerException: null, StatusCode: null };

    private static bool IsLost(Exception? e) =>
        e is not null && (e is HttpProtocolException { ErrorCode: ProtocolError } || IsLost(e.InnerException));
}
