using System.Text.Json;
using System.Text.Json.Nodes;

namespace DistillOnnx.Stages.Options;

/// <summary>Where the values of a stage's options are found: flags before the configuration file before the environment.</summary>
internal sealed class OptionSource(
    string verb,
    IReadOnlyDictionary<string, IReadOnlyList<string>> flags,
    JsonObject? section,
    string? path,
    IReadOnlyDictionary<string, string> environment,
    List<string> faults)
{
    /// <summary>An option's values, and the name of the place that they are from; null where no place has any, or a
    /// fault was added.</summary>
    public (string Name, IReadOnlyList<string> Values)? Find(OptionDescriptor option)
    {
        if (option.Attribute.Secret) return FindSecret(option);
        if (flags.TryGetValue(option.Flag, out var texts))
        {
            // What a shell makes of a variable that is not set must not pass for the option left out.
            if (option.IsList && texts.Any(string.IsNullOrWhiteSpace))
            {
                faults.Add($"{option.DisplayName}: expected {option.ValueName}, found an empty text");
                return null;
            }

            return (option.DisplayName, option.IsList ? [.. texts.SelectMany(ListSyntax.Split)] : texts);
        }

        if (InFile(option.Key) is { } item)
        {
            var name = $"{path}: \"{item.Key}\"";
            switch (item.Node)
            {
                case JsonArray array when array.All(i => i is JsonValue):
                    return (name, [.. array.Select(i => Text(i!))]);
                case JsonValue value:
                    return (name, option.IsList ? [.. ListSyntax.Split(Text(value))] : [Text(value)]);
                default:
                    faults.Add($"{name}: expected {option.ValueName}, found {item.Node.ToJsonString()}");
                    return null;
            }
        }

        var variable = option.EnvironmentVariable(verb);
        if (!environment.TryGetValue(variable, out var found) || found.Length == 0) return null;
        return (variable, option.IsList ? [.. ListSyntax.Split(found)] : [found]);
    }

    /// <summary>Adds a fault for every key of the file that no option has.</summary>
    public void AddUnknownKeys(IReadOnlyList<OptionDescriptor> options)
    {
        var known = options.Select(o => o.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var key in section?.Select(c => c.Key).Where(k => !known.Contains(k.Replace('-', '_'))) ?? [])
        {
            var secret = options.FirstOrDefault(o => o.Attribute.Secret && o.Key == key.Replace('-', '_') + "_file");
            faults.Add(secret is null
                ? $"{path}: unknown option \"{key}\" for {verb}{NearestName.Suggest(key, known)}"
                : $"{path}: \"{key}\": a secret does not belong in a configuration file; use "
                    + $"{secret.EnvironmentVariable(verb)}, {secret.Flag} or \"{secret.Key}\"");
        }
    }

    // The value itself comes from the environment; every place may name a file that holds it.
    private (string, IReadOnlyList<string>)? FindSecret(OptionDescriptor option)
    {
        if (flags.TryGetValue(option.Flag, out var texts)) return texts.Count == 1 ? ReadSecret(option, option.Flag, texts[0]) : null;
        if (InFile(option.Key) is { } item) return ReadSecret(option, $"{path}: \"{item.Key}\"", Text(item.Node));
        var variables = option.EnvironmentVariables(verb);
        var given = variables.Where(environment.ContainsKey).ToList();
        if (given.Count(v => environment[v].Length > 0) == 2)
        {
            faults.Add($"{variables[0]} and {variables[1]} exclude each other");
            return null;
        }

        foreach (var variable in given.Where(v => environment[v].Length > 0))
            return variable == variables[0]
                ? Secret(option, variable, environment[variable])
                : ReadSecret(option, variable, environment[variable]);

        // Who sets it wants it used: a service that is to ask for keys must not run open to all because their place is empty.
        if (given.Count > 0) faults.Add($"{given[0]}: is set, but holds no value");
        return null;
    }

    private (string, IReadOnlyList<string>)? ReadSecret(OptionDescriptor option, string name, string file)
    {
        try
        {
            return Secret(option, $"{name} {file}", File.ReadAllText(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            faults.Add($"{name} {file}: cannot be read: {e.Message}");
            return null;
        }
    }

    private (string, IReadOnlyList<string>)? Secret(OptionDescriptor option, string name, string text)
    {
        List<string> values = option.IsList ? [.. ListSyntax.SplitSecrets(text)] : text.Trim() is { Length: > 0 } value ? [value] : [];
        if (values.Count > 0) return (name, values);
        faults.Add($"{name}: holds no value");
        return null;
    }

    private (string Key, JsonNode Node)? InFile(string key)
    {
        (string, JsonNode)? found = null;
        foreach (var spelling in new[] { key, key.Replace('_', '-') }.Distinct())
        {
            if (section is null || !section.TryGetPropertyValue(spelling, out var node) || node is null) continue;
            if (found is not null) faults.Add($"{path}: \"{key}\" and \"{spelling}\" are the same option");
            found ??= (spelling, node);
        }

        return found;
    }

    private static string Text(JsonNode node) =>
        node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : node.ToJsonString();
}
