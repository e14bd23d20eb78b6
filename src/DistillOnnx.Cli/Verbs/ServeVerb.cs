using DistillOnnx.Server;
using DistillOnnx.Server.Configuration;
using DistillOnnx.Stages.Options;
using Microsoft.Extensions.Logging;

namespace DistillOnnx.Cli.Verbs;

/// <summary><c>distill serve</c>: the server in this process, until a signal drains it.</summary>
internal static class ServeVerb
{
    /// <summary>What the user types.</summary>
    public const string Name = ServerCommand.Verb;

    /// <summary>Has all lines on stderr, whoever writes them, written as the log is: as text, or as objects.</summary>
    /// <param name="args">The process's arguments.</param>
    public static void ChooseLines(string[] args)
    {
        if (JsonLines.AreAskedFor(args, OptionEnvironment.OfProcess(), Name)) JsonLines.Install();
    }

    /// <summary>Writes why the server could not start, or ended.</summary>
    public static void Fail(string message) => StartupLine.Write(LogLevel.Critical, message);

    public static async Task<object?> RunAsync(ServerOptions options, CancellationToken cancellationToken)
    {
        var code = await PredictionServer.RunAsync(options, cancellationToken);
        return code == 0 ? null : throw new InvalidOperationException($"the server ended with exit code {code}");
    }
}
