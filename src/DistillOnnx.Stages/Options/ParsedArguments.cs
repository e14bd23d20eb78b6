namespace DistillOnnx.Stages.Options;

/// <summary>
/// A command line taken apart by the options that there are: <c>--name value</c>, <c>--name=value</c>, <c>--name</c> alone for
/// a switch. An option of several values takes all up to the next flag, and may be repeated.
/// </summary>
internal sealed class ParsedArguments
{
    private readonly Dictionary<string, IReadOnlyList<string>> _values = new(StringComparer.Ordinal);
    private readonly List<string> _faults = [];

    private ParsedArguments()
    {
    }

    /// <summary>Values by flag (an argument's too); a switch without a value has none.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Values => _values;

    /// <summary>What cannot be used.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>Takes a command line apart.</summary>
    /// <param name="args">What follows the verb.</param>
    /// <param name="options">The options that there are.</param>
    /// <param name="verb">The verb, which is part of environment variables' names.</param>
    public static ParsedArguments Parse(IReadOnlyList<string> args, IReadOnlyList<OptionDescriptor> options, string verb)
    {
        var result = new ParsedArguments();
        var flags = options.Where(o => !o.Attribute.Argument).ToDictionary(o => o.Flag, StringComparer.Ordinal);
        var arguments = new Queue<OptionDescriptor>(options.Where(o => o.Attribute.Argument));
        for (var i = 0; i < args.Count;)
        {
            if (!IsFlag(args[i]))
            {
                result.AddArgument(args[i++], arguments);
                continue;
            }

            var parts = args[i++].Split('=', 2);
            if (!flags.TryGetValue(parts[0], out var option))
            {
                result._faults.Add(UnknownFlag(parts[0], flags, verb));
                while (i < args.Count && !IsFlag(args[i])) i++; // Its values are not arguments.
                continue;
            }

            var values = new List<string>();
            if (parts.Length == 2) values.Add(parts[1]);
            else if (option.IsSwitch && i < args.Count && bool.TryParse(args[i], out _)) values.Add(args[i++]);
            else if (!option.IsSwitch)
            {
                var several = option.IsList && !option.Attribute.Secret;
                while (i < args.Count && !IsFlag(args[i]) && (several || values.Count == 0)) values.Add(args[i++]);
                if (values.Count == 0) result._faults.Add($"{option.Flag} needs a value: {option.ValueName}");
            }

            result.Add(option, values);
        }

        return result;
    }

    private static bool IsFlag(string text) => text.StartsWith("--", StringComparison.Ordinal);

    private static string UnknownFlag(string flag, Dictionary<string, OptionDescriptor> flags, string verb) =>
        flags.TryGetValue(flag + "-file", out var file) && file.Attribute.Secret
            ? $"{flag} is a secret, which other users of the machine could read here: use {file.EnvironmentVariable(verb)} or {file.Flag}"
            : $"unknown option {flag}{NearestName.Suggest(flag, flags.Keys)}";

    private void AddArgument(string value, Queue<OptionDescriptor> arguments)
    {
        if (!arguments.TryPeek(out var argument))
        {
            _faults.Add($"unexpected argument \"{value}\"");
            return;
        }

        if (!argument.IsList) arguments.Dequeue();
        Add(argument, [value]);
    }

    private void Add(OptionDescriptor option, List<string> values)
    {
        if (!_values.TryGetValue(option.Flag, out var before)) _values[option.Flag] = values;
        else if (option.IsList && !option.Attribute.Secret) _values[option.Flag] = [.. before, .. values];
        else _faults.Add($"{option.Flag} is given twice");
    }
}
