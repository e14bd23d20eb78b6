namespace DistillOnnx.Toolchain.Quickstart;

/// <summary>
/// Serves a bundle for the length of a few calls. The server is ASP.NET, which a build script that references this
/// library does not need; whoever runs the quickstart brings it.
/// </summary>
public interface IServingStage
{
    /// <summary>Starts a server on a free loopback port, asks it over gRPC, one text a call, and stops it.</summary>
    /// <param name="bundle">The bundle to serve.</param>
    /// <param name="texts">What to ask.</param>
    /// <param name="device">Where to run.</param>
    /// <param name="cancellationToken">Stops the server.</param>
    Task<ServedAnswers> AskAsync(string bundle, IReadOnlyList<string> texts, string device, CancellationToken cancellationToken);
}
