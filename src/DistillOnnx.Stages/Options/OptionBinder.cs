using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json.Nodes;
using DistillOnnx.Core;

namespace DistillOnnx.Stages.Options;

/// <summary>
/// Fills a stage's options from a command line, a configuration file and the environment, in that order of precedence. All faults
/// of all sources are reported together.
/// </summary>
[RequiresUnreferencedCode("Options are found by reflection.")]
[RequiresDynamicCode("Options are found by reflection.")]
public sealed class OptionBinder
{
    private readonly Type _type;
    private readonly string _verb;

    /// <summary>Finds the options that a type declares.</summary>
    /// <param name="type">
    /// A record with a parameterless constructor whose properties have <see cref="OptionAttribute"/> or
    /// <see cref="OptionGroupAttribute"/>.
    /// </param>
    /// <param name="verb">The stage's name on the command line, which is part of environment variables' names; empty:
    /// options of the program.</param>
    public OptionBinder(Type type, string verb)
    {
        _type = type;
        _verb = verb;
        Options = [.. Find(type, Activator.CreateInstance(type)!, [])];
    }

    /// <summary>The options, in the order of their declaration.</summary>
    public IReadOnlyList<OptionDescriptor> Options { get; }

    /// <summary>A value as flags and environment write it.</summary>
    /// <param name="value">A value of an option.</param>
    public static string Format(object value) => OptionValue.Format(value);

    /// <summary>Fills and validates the options from a configuration file and the environment, as a build script does.</summary>
    /// <param name="configuration">The file, or null.</param>
    /// <param name="environment">Environment variables by name.</param>
    /// <exception cref="InputException">Values are missing or cannot be used; the message has every fault.</exception>
    public IStageOptions Bind(ConfigurationFile? configuration, IReadOnlyDictionary<string, string> environment)
    {
        var faults = new List<string>();
        var result = Bind(
            new Dictionary<string, IReadOnlyList<string>>(), configuration?.Section(_verb), configuration?.Path, environment, faults);
        if (faults.Count == 0) faults.AddRange(result.Validate());
        return faults.Count == 0 ? result : throw new InputException(string.Join("; ", faults));
    }

    /// <summary>Fills the options; does not validate them.</summary>
    /// <param name="flags">Values by flag; a switch without a value has none.</param>
    /// <param name="section">The stage's part of a configuration file, or null.</param>
    /// <param name="path">Names that file in messages.</param>
    /// <param name="environment">Environment variables by name.</param>
    /// <param name="faults">Gets the faults.</param>
    internal IStageOptions Bind(
        IReadOnlyDictionary<string, IReadOnlyList<string>> flags,
        JsonObject? section,
        string? path,
        IReadOnlyDictionary<string, string> environment,
        List<string> faults)
    {
        var result = (IStageOptions)Activator.CreateInstance(_type)!;
        var source = new OptionSource(_verb, flags, section, path, environment, faults);
        foreach (var option in Options)
        {
            var before = faults.Count;
            if (source.Find(option) is not { } found)
            {
                if (option.Attribute.Required && faults.Count == before) faults.Add($"{option.DisplayName} is required");
                continue;
            }

            try
            {
                option.SetValue(result, Convert(option, found.Values));
            }
            catch (FormatException e)
            {
                faults.Add($"{found.Name}: {e.Message}");
            }
        }

        source.AddUnknownKeys(Options);
        return result;
    }

    private static IEnumerable<OptionDescriptor> Find(Type type, object defaults, IReadOnlyList<PropertyInfo> groups)
    {
        foreach (var property in type.GetProperties())
        {
            if (property.GetCustomAttribute<OptionAttribute>() is { } attribute)
                yield return new OptionDescriptor(groups, property, attribute, property.GetValue(defaults));
            else if (property.IsDefined(typeof(OptionGroupAttribute)))
                foreach (var option in Find(property.PropertyType, property.GetValue(defaults)!, [.. groups, property]))
                    yield return option;
        }
    }

    private static object Convert(OptionDescriptor option, IReadOnlyList<string> texts)
    {
        if (option.ElementType is { } element)
        {
            var list = Array.CreateInstance(element, texts.Count);
            for (var i = 0; i < texts.Count; i++) list.SetValue(OptionValue.Parse(texts[i], element), i);
            return list;
        }

        if (option.IsSwitch && texts.Count == 0) return true;
        if (texts.Count != 1) throw new FormatException($"expected one value, found {texts.Count}");
        return OptionValue.Parse(texts[0], option.Property.PropertyType);
    }
}
