using System.Net;
using System.Net.Sockets;

namespace DistillOnnx.Server.Hosting;

/// <summary>Where to listen: one entry of <c>--urls</c>.</summary>
/// <param name="Url">As it was given.</param>
/// <param name="EndPoint">The socket address.</param>
/// <param name="IsHttps">Whether the connection is encrypted.</param>
internal sealed record ListenAddress(string Url, EndPoint EndPoint, bool IsHttps)
{
    /// <summary>Whether only programs on this machine can connect.</summary>
    public bool IsLocal => EndPoint is UnixDomainSocketEndPoint || (EndPoint is IPEndPoint ip && IPAddress.IsLoopback(ip.Address));

    /// <summary>Reads a URL: a numeric address, <c>localhost</c> (IPv4 loopback), <c>*</c> (all interfaces) or <c>unix:/path</c>.</summary>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static ListenAddress Parse(string url)
    {
        var binding = BindingAddress.Parse(url);
        var https = binding.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase);
        if (!https && !binding.Scheme.Equals("http", StringComparison.OrdinalIgnoreCase))
            throw new FormatException("expected http or https");
        if (binding.PathBase.Length > 0) throw new FormatException("a path cannot be listened on");
        if (binding.IsUnixPipe) return new(url, new UnixDomainSocketEndPoint(binding.UnixPipePath), https);
        if (binding.Port is < 0 or > 65535) throw new FormatException($"port {binding.Port} is not between 0 and 65535");
        var address = binding.Host switch
        {
            "localhost" => IPAddress.Loopback,
            "*" or "+" => Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any,
            var host when IPAddress.TryParse(host.Trim('[', ']'), out var parsed) => parsed,
            var host => throw new FormatException($"\"{host}\" is not a numeric address, localhost or *"),
        };
        return new(url, new IPEndPoint(address, binding.Port), https);
    }

    /// <summary>Reads a URL, or adds what is wrong with it.</summary>
    public static ListenAddress? TryParse(string url, List<string> faults)
    {
        try
        {
            return Parse(url);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException or ArgumentException)
        {
            faults.Add($"\"{url}\": not an address to listen on: {e.Message}");
            return null;
        }
    }

    /// <summary>The URL of a bound socket.</summary>
    public static string Describe(EndPoint endPoint, bool isHttps)
    {
        var scheme = isHttps ? "https" : "http";
        return endPoint is UnixDomainSocketEndPoint ? $"{scheme}://unix:{endPoint}" : $"{scheme}://{endPoint}";
    }
}
