using DistillOnnx.Core;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Server.Configuration;

/// <summary>The command line of the server's own executable: that of <c>distill serve</c>, without the verb.</summary>
internal static class ServerCommand
{
    /// <summary>The verb that does the same on the command line.</summary>
    public const string Verb = "serve";

    /// <summary>Its options.</summary>
    public static VerbCommand Create() =>
        new(Verb, "DistillOnnx.Server", "Serve bundles over gRPC and JSON.", typeof(ServerOptions), typeof(ProgramOptions));

    /// <summary>Binds its arguments.</summary>
    /// <param name="args">The process's arguments.</param>
    /// <param name="environment">Environment variables by name.</param>
    /// <param name="warn">Gets one line for each variable that no option reads.</param>
    /// <param name="validate">Whether the options are validated, and those of the process put into effect, too.</param>
    /// <exception cref="InputException">Values are missing or cannot be used; the message has every fault.</exception>
    public static ServerOptions Bind(
        IReadOnlyList<string> args, IReadOnlyDictionary<string, string> environment, Action<string> warn, bool validate = true)
    {
        var (options, program) = Create().Bind(args, environment, LineVerbs.All, w => warn($"warning: {w}"), validate);
        if (validate) program.Apply();
        return (ServerOptions)options;
    }
}
