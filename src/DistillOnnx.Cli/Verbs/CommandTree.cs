using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;
using DistillOnnx.Cli.Output;
using DistillOnnx.Core;
using DistillOnnx.Stages.Options;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Cli.Verbs;

/// <summary>The verbs as System.CommandLine commands.</summary>
internal static class CommandTree
{
    /// <summary>Builds the commands; only the verb that the arguments name gets its options, so that help loads no stage.</summary>
    /// <param name="args">The process's arguments.</param>
    public static RootCommand Build(string[] args)
    {
        var root = new RootCommand("Distilling Step-by-Step: a small T5 learns from a language model's rationales and answers without them.");
        var chosen = args.FirstOrDefault(a => !a.StartsWith('-'));
        foreach (var verb in VerbTable.All)
        {
            var command = new Command(verb.Name, verb.Summary);
            if (verb.Name == chosen) AddOptions(command, verb);
            root.Add(command);
        }

        return root;
    }

    private static void AddOptions(Command command, Verb verb)
    {
        var binder = new OptionBinder(verb.OptionsType());
        var symbols = new List<(OptionDescriptor Descriptor, Symbol Symbol)>();
        foreach (var descriptor in binder.Options)
        {
            if (descriptor.Attribute.Argument)
            {
                // Presence is checked by the binder: the value may come from the configuration file.
                Argument argument = descriptor.IsList
                    ? new Argument<string[]>(descriptor.ValueName) { Arity = ArgumentArity.ZeroOrMore }
                    : new Argument<string>(descriptor.ValueName) { Arity = ArgumentArity.ZeroOrOne };
                argument.Description = descriptor.Attribute.Help;
                argument.Validators.Add(RefuseFlags);
                command.Add(argument);
                symbols.Add((descriptor, argument));
            }
            else
            {
                var option = Create(descriptor);
                option.Description = Describe(descriptor);
                command.Add(option);
                symbols.Add((descriptor, option));
            }
        }

        var config = new Option<string?>("--config") { Description = "read options from a JSON file; flags are stronger", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "print one result object on stdout" };
        var quiet = new Option<bool>("--quiet") { Description = "show no progress" };
        var verbose = new Option<bool>("--verbose") { Description = "show where a failure happened" };
        foreach (var option in (Option[])[config, json, quiet, verbose]) command.Add(option);

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var flags = symbols
                .Select(s => (s.Descriptor, Texts: Texts(parsed, s.Symbol)))
                .Where(s => s.Texts is not null)
                .ToDictionary(s => s.Descriptor.Flag, s => s.Texts!, StringComparer.Ordinal);
            var file = parsed.GetValue(config) ?? Environment.GetEnvironmentVariable("DISTILL_CONFIG");
            JsonObject? configuration = file is null ? null : OptionBinder.LoadConfiguration(file, verb.Name, [.. VerbTable.All.Select(v => v.Name)]);
            var options = binder.Bind(verb.Name, flags, configuration, file, Environment.GetEnvironmentVariable);

            using var reporter = ConsoleReporter.Create(parsed.GetValue(quiet));
            var result = await verb.Run(options, reporter, cancellationToken);
            reporter.Finish();
            if (result is not null) ResultPrinter.Print(result, parsed.GetValue(json));
            return 0;
        });
    }

    /// <summary>A misspelled flag would otherwise be taken for the positional value.</summary>
    private static void RefuseFlags(ArgumentResult result)
    {
        foreach (var token in result.Tokens.Where(t => t.Value.StartsWith("--", StringComparison.Ordinal)))
            result.AddError($"Unknown option '{token.Value}'.");
    }

    private static Option Create(OptionDescriptor descriptor)
    {
        if (descriptor.IsSwitch) return new Option<bool>(descriptor.Flag) { Arity = ArgumentArity.ZeroOrOne };
        var name = descriptor.Attribute.Secret ? "FILE" : descriptor.ValueName;
        return descriptor.IsList
            ? new Option<string[]>(descriptor.Flag) { Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true, HelpName = name }
            : new Option<string>(descriptor.Flag) { HelpName = name };
    }

    private static IReadOnlyList<string>? Texts(ParseResult parsed, Symbol symbol)
    {
        SymbolResult? result = symbol switch
        {
            Option option => parsed.GetResult(option) is { Implicit: false } found ? found : null,
            Argument argument => parsed.GetResult(argument) is { Tokens.Count: > 0 } found ? found : null,
            _ => throw new InputException($"unexpected symbol {symbol.Name}"),
        };
        return result is null ? null : [.. result.Tokens.Select(t => t.Value)];
    }

    private static string Describe(OptionDescriptor descriptor)
    {
        var text = descriptor.Attribute.Help;
        if (descriptor.Attribute.Required) return text + " (required)";
        var value = descriptor.DefaultValue switch
        {
            null or false or "" => null,
            System.Collections.ICollection { Count: 0 } => null,
            var other => OptionBinder.Format(other),
        };
        return value is null ? text : $"{text} [default: {value}]";
    }
}
