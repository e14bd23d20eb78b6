using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DistillOnnx.Server.Hosting;

/// <summary>One protocol's half of a <see cref="SharedPort"/>, as an address that Kestrel can listen on.</summary>
internal sealed class SharedPortEndPoint(SharedPort port, HttpProtocols protocol) : EndPoint
{
    public SharedPort Port { get; } = port;

    public HttpProtocols Protocol { get; } = protocol;

    public override string ToString() => Port.EndPoint.ToString()!;
}
