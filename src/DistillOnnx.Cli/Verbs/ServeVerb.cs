using DistillOnnx.Server;

namespace DistillOnnx.Cli.Verbs;

/// <summary><c>distill serve</c>: the server in this process, until a signal drains it.</summary>
internal static class ServeVerb
{
    public static async Task<object?> RunAsync(ServerOptions options, CancellationToken cancellationToken)
    {
        var code = await PredictionServer.RunAsync(options, cancellationToken);
        return code == 0 ? null : throw new InvalidOperationException($"the server ended with exit code {code}");
    }
}
