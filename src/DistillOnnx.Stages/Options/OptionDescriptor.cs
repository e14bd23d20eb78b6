using System.Reflection;
using System.Text;

namespace DistillOnnx.Stages.Options;

/// <summary>One option of a stage, as the command line, the environment and a configuration file name it.</summary>
public sealed class OptionDescriptor
{
    private readonly IReadOnlyList<PropertyInfo> _groups;
    private readonly string _name;

    internal OptionDescriptor(IReadOnlyList<PropertyInfo> groups, PropertyInfo property, OptionAttribute attribute, object? defaultValue)
    {
        _groups = groups;
        Property = property;
        Attribute = attribute;
        DefaultValue = defaultValue;
        _name = SnakeCase(property.Name);
        Key = attribute.Secret ? _name + "_file" : _name;
        Flag = "--" + Key.Replace('_', '-');
    }

    /// <summary>The property that holds the value.</summary>
    public PropertyInfo Property { get; }

    /// <summary>What was declared about it.</summary>
    public OptionAttribute Attribute { get; }

    /// <summary>The value where none is given.</summary>
    public object? DefaultValue { get; }

    /// <summary>Key in a configuration file: snake case. A secret's ends in <c>_file</c> and names a file.</summary>
    public string Key { get; }

    /// <summary>Flag on the command line, dashes included. A secret's ends in <c>-file</c> and names a file.</summary>
    public string Flag { get; }

    /// <summary>Whether it is a switch, which needs no value.</summary>
    public bool IsSwitch => Property.PropertyType == typeof(bool) || Property.PropertyType == typeof(bool?);

    /// <summary>Whether it takes several values.</summary>
    public bool IsList => ElementType != null;

    /// <summary>Placeholder of the value in help.</summary>
    public string ValueName => Attribute.Secret ? "FILE" : Attribute.Value ?? OptionValue.Describe(ElementType ?? Property.PropertyType);

    /// <summary>What messages and help call it: the flag, or an argument's placeholder.</summary>
    public string DisplayName => Attribute.Argument ? ValueName : Flag;

    /// <summary>Type of one value where several are taken; otherwise null.</summary>
    internal Type? ElementType =>
        Property.PropertyType is { IsGenericType: true } list && list.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
            ? list.GetGenericArguments()[0]
            : Property.PropertyType.IsArray ? Property.PropertyType.GetElementType() : null;

    /// <summary>Name of the environment variable that holds the value.</summary>
    /// <param name="verb">The stage's name on the command line; empty: an option of the program.</param>
    public string EnvironmentVariable(string verb) => Variable(verb, _name);

    /// <summary>All its environment variables: a secret has a second one, which names a file.</summary>
    /// <param name="verb">The stage's name on the command line; empty: an option of the program.</param>
    public IReadOnlyList<string> EnvironmentVariables(string verb) =>
        Attribute.Secret ? [EnvironmentVariable(verb), Variable(verb, Key)] : [EnvironmentVariable(verb)];

    /// <summary>The value that a stage's options have.</summary>
    /// <param name="options">Options of the type that declares it.</param>
    public object? GetValue(object options) => Property.GetValue(Owner(options));

    internal void SetValue(object options, object? value) => Property.SetValue(Owner(options), value);

    private object Owner(object options) => _groups.Aggregate(options, (owner, group) => group.GetValue(owner)!);

    private static string Variable(string verb, string name) =>
        $"{OptionEnvironment.Prefix}{(verb.Length == 0 ? "" : verb + "_")}{name}".Replace('-', '_').ToUpperInvariant();

    private static string SnakeCase(string name)
    {
        var result = new StringBuilder();
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]) && !char.IsUpper(name[i - 1])) result.Append('_');
            result.Append(char.ToLowerInvariant(name[i]));
        }

        return result.ToString();
    }
}
