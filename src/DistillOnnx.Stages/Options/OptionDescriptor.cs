using System.Reflection;
using System.Text;

namespace DistillOnnx.Stages.Options;

/// <summary>One option of a stage, as the command line, the environment and a configuration file name it.</summary>
public sealed class OptionDescriptor
{
    internal OptionDescriptor(PropertyInfo property, OptionAttribute attribute, object? defaultValue)
    {
        Property = property;
        Attribute = attribute;
        DefaultValue = defaultValue;
        Key = SnakeCase(property.Name);
        Flag = "--" + (attribute.Name ?? Key.Replace('_', '-')) + (attribute.Secret ? "-file" : "");
    }

    /// <summary>The property that holds the value.</summary>
    public PropertyInfo Property { get; }

    /// <summary>What was declared about it.</summary>
    public OptionAttribute Attribute { get; }

    /// <summary>The value where nothing is said.</summary>
    public object? DefaultValue { get; }

    /// <summary>Key in a configuration file: snake case.</summary>
    public string Key { get; }

    /// <summary>Flag on the command line, dashes included.</summary>
    public string Flag { get; }

    /// <summary>Whether it is a switch, which stands alone.</summary>
    public bool IsSwitch => Property.PropertyType == typeof(bool);

    /// <summary>Whether it takes several values.</summary>
    public bool IsList => ElementType != null;

    /// <summary>What stands for the value in help.</summary>
    public string ValueName => Attribute.Value ?? OptionValue.Describe(ElementType ?? Property.PropertyType);

    /// <summary>Type of one value where several are taken; otherwise null.</summary>
    internal Type? ElementType => Property.PropertyType is { IsGenericType: true } list && list.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
        ? list.GetGenericArguments()[0]
        : Property.PropertyType.IsArray ? Property.PropertyType.GetElementType() : null;

    /// <summary>Name of the environment variable.</summary>
    /// <param name="verb">The stage's name on the command line.</param>
    public string EnvironmentVariable(string verb) => $"DISTILL_{verb}_{Key}".Replace('-', '_').ToUpperInvariant();

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
