using DistillOnnx.Core;
using DistillOnnx.Server.Hosting;

namespace DistillOnnx.Server;

/// <summary>The prediction server as a call: what <c>distill serve</c> and the server's own executable do.</summary>
public static class PredictionServer
{
    /// <summary>Serves until cancelled, then answers what is in and stops. Each address goes to stderr once it is listened on.</summary>
    /// <param name="options">What to serve and where.</param>
    /// <param name="cancellationToken">Ends the service.</param>
    /// <returns>The process's exit code: 0.</returns>
    /// <exception cref="InputException">The options are at fault, a model cannot be served, or an address cannot be
    /// listened on.</exception>
    public static Task<int> RunAsync(ServerOptions options, CancellationToken cancellationToken) =>
        RunAsync(options, null, cancellationToken);

    /// <summary>Serves until cancelled, and tells its caller where.</summary>
    /// <param name="options">What to serve and where.</param>
    /// <param name="listening">Called once, when every model is ready, with the addresses and the ports that were chosen.</param>
    /// <param name="cancellationToken">Ends the service.</param>
    /// <returns>The process's exit code: 0.</returns>
    /// <exception cref="InputException">The options are at fault, a model cannot be served, or an address cannot be
    /// listened on.</exception>
    public static async Task<int> RunAsync(
        ServerOptions options, Action<IReadOnlyList<string>>? listening, CancellationToken cancellationToken)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        await using var host = await ServerHost.StartAsync(options, null, cancellationToken);
        if (!options.LogJson)
        {
            foreach (var address in host.Addresses.Concat(host.AdminAddresses))
                await Console.Error.WriteLineAsync($"listening on {address}");
        }

        listening?.Invoke(host.Addresses);
        await host.RunAsync(cancellationToken);
        return 0;
    }
}
