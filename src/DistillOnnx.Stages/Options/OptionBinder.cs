using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;

namespace DistillOnnx.Stages.Options;

/// <summary>
/// Fills a stage's options from flags, a configuration file and the environment, in that order of strength. All faults
/// of all sources are reported together.
/// </summary>
[RequiresUnreferencedCode("Options are found by reflection.")]
[RequiresDynamicCode("Options are found by reflection.")]
public sealed class OptionBinder
{
    private readonly Type _type;

    /// <summary>Finds the options that a type declares.</summary>
    /// <param name="type">A record with a parameterless constructor whose properties carry <see cref="OptionAttribute"/>.</param>
    public OptionBinder(Type type)
    {
        _type = type;
        var defaults = Activator.CreateInstance(type)!;
        Options = [.. type.GetProperties()
            .Select(p => (Property: p, Attribute: p.GetCustomAttribute<OptionAttribute>()))
            .Where(p => p.Attribute is not null)
            .Select(p => new OptionDescriptor(p.Property, p.Attribute!, p.Property.GetValue(defaults)))];
    }

    /// <summary>The options, in the order of their declaration.</summary>
    public IReadOnlyList<OptionDescriptor> Options { get; }

    /// <summary>A value in the words that flags and environment are written in.</summary>
    /// <param name="value">A value of an option.</param>
    public static string Format(object value) => OptionValue.Format(value);

    /// <summary>
    /// Reads a stage's options out of a configuration file, which is either one object of options or one object a stage; a
    /// stage that the latter does not name has none.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="verb">The stage's name on the command line.</param>
    /// <param name="verbs">The names of all stages.</param>
    /// <exception cref="InputException">The file is missing, is not such an object, or names a stage that there is not.</exception>
    public static JsonObject LoadConfiguration(string path, string verb, IReadOnlyCollection<string> verbs)
    {
        if (!File.Exists(path)) throw new InputException($"{path}: no such file; expected a configuration (JSON object)");
        try
        {
            var bytes = File.ReadAllBytes(path).AsSpan();
            if (bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) bytes = bytes[3..];
            var root = JsonNode.Parse(bytes, documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false }) as JsonObject
                ?? throw new InputException($"{path}: expected a JSON object");
            if (!root.Any(p => p.Value is JsonObject)) return root;
            if (root.FirstOrDefault(p => p.Value is not JsonObject || !verbs.Contains(p.Key)) is { Key: { } odd })
                throw new InputException($"{path}: expected an object of options, or one for each of {string.Join(", ", verbs)}, found \"{odd}\"");
            return root[verb] as JsonObject ?? [];
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InputException($"{path}: not JSON: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Fills and validates the options.</summary>
    /// <param name="verb">The stage's name on the command line, which environment variables carry.</param>
    /// <param name="flags">Values by flag; a switch that stands alone has none.</param>
    /// <param name="configuration">The stage's part of a configuration file, or null.</param>
    /// <param name="configurationName">Names that file in messages.</param>
    /// <param name="environment">Looks up an environment variable.</param>
    /// <exception cref="InputException">Values are missing or cannot be used; the message has every fault.</exception>
    public IStageOptions Bind(
        string verb,
        IReadOnlyDictionary<string, IReadOnlyList<string>> flags,
        JsonObject? configuration,
        string? configurationName,
        Func<string, string?> environment)
    {
        var result = (IStageOptions)Activator.CreateInstance(_type)!;
        var faults = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var option in Options)
        {
            known.Add(option.Key);
            var found = Find(option, verb, flags, configuration, configurationName, environment, faults);
            if (found is null)
            {
                if (option.Attribute.Required) faults.Add($"{NameOf(option)} is required");
                continue;
            }

            try
            {
                option.Property.SetValue(result, Convert(option, found.Value.Texts));
            }
            catch (FormatException e)
            {
                faults.Add($"{found.Value.Source}: {e.Message}");
            }
        }

        foreach (var key in configuration?.Select(c => c.Key).Where(k => !known.Contains(k.Replace('-', '_'))) ?? [])
            faults.Add($"{configurationName}: unknown option \"{key}\" for {verb}");
        if (faults.Count == 0) faults.AddRange(result.Validate());
        return faults.Count == 0 ? result : throw new InputException(string.Join("; ", faults));
    }

    private static string NameOf(OptionDescriptor option) => option.Attribute.Argument ? option.ValueName : option.Flag;

    private static (string Source, IReadOnlyList<string> Texts)? Find(
        OptionDescriptor option,
        string verb,
        IReadOnlyDictionary<string, IReadOnlyList<string>> flags,
        JsonObject? configuration,
        string? configurationName,
        Func<string, string?> environment,
        List<string> faults)
    {
        if (flags.TryGetValue(option.Flag, out var texts))
            return option.Attribute.Secret ? ReadSecret(option, texts[0], faults) : (NameOf(option), texts);

        foreach (var key in (string[])[option.Key, option.Key.Replace('_', '-')])
        {
            if (configuration is null || !configuration.TryGetPropertyValue(key, out var node) || node is null) continue;
            var name = $"{configurationName}: \"{key}\"";
            if (option.Attribute.Secret)
            {
                faults.Add($"{name}: a secret does not belong in a configuration file; use {option.EnvironmentVariable(verb)} or {option.Flag}");
                return null;
            }

            return (name, node is JsonArray array ? [.. array.Select(Text)] : [Text(node)]);
        }

        var variable = option.EnvironmentVariable(verb);
        return environment(variable) is { Length: > 0 } value ? (variable, [value]) : null;
    }

    private static (string, IReadOnlyList<string>)? ReadSecret(OptionDescriptor option, string path, List<string> faults)
    {
        try
        {
            return (option.Flag, [File.ReadAllText(path).Trim()]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            faults.Add($"{option.Flag} {path}: cannot be read: {e.Message}");
            return null;
        }
    }

    private static string Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) ? text : node?.ToJsonString() ?? "";

    private static object Convert(OptionDescriptor option, IReadOnlyList<string> texts)
    {
        if (option.ElementType is { } element)
        {
            var parts = texts.SelectMany(t => t.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToArray();
            var list = Array.CreateInstance(element, parts.Length);
            for (var i = 0; i < parts.Length; i++) list.SetValue(OptionValue.Parse(parts[i], element), i);
            return list;
        }

        if (option.IsSwitch && texts.Count == 0) return true;
        if (texts.Count != 1) throw new FormatException($"expected one value, found {texts.Count}");
        return OptionValue.Parse(texts[0], option.Property.PropertyType);
    }
}
