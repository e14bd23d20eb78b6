using System.Diagnostics.CodeAnalysis;
using DistillOnnx.Core;

namespace DistillOnnx.Stages.Options;

/// <summary>One verb of a program: binds its command line and writes its help. The command line and the server's
/// executable share it.</summary>
[RequiresUnreferencedCode("Options are found by reflection.")]
[RequiresDynamicCode("Options are found by reflection.")]
public sealed class VerbCommand
{
    private readonly string _verb;
    private readonly string _usage;
    private readonly string _summary;
    private readonly OptionBinder _options;
    private readonly OptionBinder _program;

    /// <summary>Finds a verb's options.</summary>
    /// <param name="verb">Its name, which is part of environment variables' names.</param>
    /// <param name="usage">What starts it, for instance <c>distill train</c>.</param>
    /// <param name="summary">What it does, for help.</param>
    /// <param name="options">The type of its options.</param>
    /// <param name="programOptions">The type of the program's options, <see cref="ProgramOptions"/> or derived from it.</param>
    public VerbCommand(string verb, string usage, string summary, Type options, Type programOptions)
    {
        (_verb, _usage, _summary) = (verb, usage, summary);
        _options = new OptionBinder(options, verb);
        _program = new OptionBinder(programOptions, "");
    }

    /// <summary>Whether a command line asks for help.</summary>
    /// <param name="args">What follows the verb.</param>
    public static bool AsksForHelp(IReadOnlyList<string> args) => args.Any(a => a is "--help" or "-h" or "-?");

    /// <summary>Binds a command line.</summary>
    /// <param name="args">What follows the verb.</param>
    /// <param name="environment">Environment variables by name.</param>
    /// <param name="verbs">All verbs: what a configuration file may name.</param>
    /// <param name="warn">Receives a warning for each environment variable that no option reads.</param>
    /// <param name="validate">Whether the options are validated too: false where only names and types matter, as in a
    /// test of a documented example.</param>
    /// <returns>The verb's options and the program's.</returns>
    /// <exception cref="InputException">Values are missing or cannot be used; the message has every fault.</exception>
    public (IStageOptions Options, ProgramOptions Program) Bind(
        IReadOnlyList<string> args,
        IReadOnlyDictionary<string, string> environment,
        IReadOnlyCollection<string> verbs,
        Action<string> warn,
        bool validate = true)
    {
        var parsed = ParsedArguments.Parse(args, [.. _options.Options, .. _program.Options], _verb);
        var faults = parsed.Faults.ToList();
        var known =
            _options.Options.SelectMany(o => o.EnvironmentVariables(_verb))
                .Concat(_program.Options.SelectMany(o => o.EnvironmentVariables("")));
        foreach (var unknown in OptionEnvironment.Unknown(environment, known.ToHashSet(StringComparer.Ordinal), verbs, _verb))
            warn(unknown);
        var program = (ProgramOptions)_program.Bind(parsed.Values, null, null, environment, faults);
        var configuration = program.Config is { } path && validate ? ConfigurationFile.Load(path, verbs) : null;
        var options = _options.Bind(parsed.Values, configuration?.Section(_verb), configuration?.Path, environment, faults);
        if (validate && faults.Count == 0) faults.AddRange(options.Validate());
        return faults.Count == 0 ? (options, program) : throw new InputException($"{string.Join("; ", faults)}; see {_usage} --help");
    }

    /// <summary>The help page.</summary>
    /// <param name="width">Columns of a line.</param>
    public string Help(int width) => OptionHelp.Page(_usage, _summary, _verb, _options.Options, _program.Options, width);

    /// <summary>The verb's options as a table in Markdown.</summary>
    public string Markdown() => OptionHelp.Markdown(_verb, _options.Options);
}
