using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Server.Configuration;

/// <summary>
/// Reads an options record from flags and environment, for the executable that ships without the toolchain. Flags win over
/// the environment; a secret comes from the environment only.
/// </summary>
internal static class OptionReader<T>
    where T : IStageOptions, new()
{
    private static readonly IReadOnlyDictionary<string, (PropertyInfo Property, OptionAttribute Option)> Options = typeof(T)
        .GetProperties()
        .Select(p => (Property: p, Option: p.GetCustomAttribute<OptionAttribute>()!))
        .Where(p => p.Option is not null)
        .ToDictionary(p => p.Option.Name ?? Words(p.Property.Name, '-').ToLowerInvariant(), StringComparer.Ordinal);

    /// <summary>Reads the options.</summary>
    /// <param name="args">Arguments: <c>--name value</c>, <c>--name=value</c>, or <c>--name</c> alone for a switch.</param>
    /// <param name="environment">What the environment's names begin with.</param>
    /// <exception cref="InputException">An argument is unknown or its value does not fit.</exception>
    public static T Read(IReadOnlyList<string> args, string environment)
    {
        var values = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var (name, entry) in Options)
        {
            var variable = environment + Words(entry.Property.Name, '_').ToUpperInvariant();
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value)
                values[name] = IsList(entry.Property.PropertyType) ? [.. value.Split(';', StringSplitOptions.RemoveEmptyEntries)] : [value];
        }

        var flags = ReadFlags(args);
        foreach (var (name, given) in flags) values[name] = given;
        var options = new T();
        foreach (var (name, given) in values)
        {
            var property = Options[name].Property;
            property.SetValue(options, Convert(name, property.PropertyType, given));
        }

        return options;
    }

    /// <summary>One line per option.</summary>
    public static string Help(string title)
    {
        var page = new StringBuilder().AppendLine(title).AppendLine();
        var defaults = new T();
        foreach (var (name, (property, option)) in Options.OrderBy(o => o.Key, StringComparer.Ordinal))
        {
            if (option.Secret) continue;
            var standard = Describe(property.GetValue(defaults));
            page.AppendLine(CultureInfo.InvariantCulture, $"  --{name}{(property.PropertyType == typeof(bool) ? "" : " " + (option.Value ?? "VALUE"))}");
            page.AppendLine(CultureInfo.InvariantCulture, $"        {option.Help}{(standard.Length == 0 ? "" : $" [{standard}]")}");
        }

        return page.ToString();
    }

    private static Dictionary<string, List<string>> ReadFlags(IReadOnlyList<string> args)
    {
        var flags = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        for (var i = 0; i < args.Count; i++)
        {
            var parts = args[i].Split('=', 2);
            if (!parts[0].StartsWith("--", StringComparison.Ordinal) || !Options.TryGetValue(parts[0][2..], out var entry))
                throw new InputException($"unknown argument {parts[0]}; --help lists those there are");
            if (entry.Option.Secret) throw new InputException($"{parts[0]} is a secret: give it by the environment or a file, where other users of the machine cannot read it");
            var name = parts[0][2..];
            var type = entry.Property.PropertyType;
            string value;
            if (parts.Length == 2) value = parts[1];
            else if (type == typeof(bool)) value = "true";
            else value = ++i < args.Count ? args[i] : throw new InputException($"--{name} needs a value");
            if (IsList(type)) (flags.TryGetValue(name, out var list) ? list : flags[name] = []).Add(value);
            else if (!flags.TryAdd(name, [value])) throw new InputException($"--{name} is given twice");
        }

        return flags;
    }

    private static object Convert(string name, Type type, List<string> given)
    {
        if (IsList(type)) return given.ToArray();
        type = Nullable.GetUnderlyingType(type) ?? type;
        var text = given[0];
        try
        {
            if (!type.IsEnum) return System.Convert.ChangeType(text, type, CultureInfo.InvariantCulture);
            return Enum.Parse(type, text.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            var expected = type.IsEnum ? string.Join(" or ", Enum.GetNames(type).Select(n => Words(n, '-').ToLowerInvariant())) : $"a value of type {type.Name}";
            throw new InputException($"--{name}: expected {expected}, found \"{text}\"", e);
        }
    }

    private static bool IsList(Type type) => type != typeof(string) && typeof(IEnumerable).IsAssignableFrom(type);

    private static string Describe(object? value) => value switch
    {
        null or false or "" => "",
        string s => s,
        IEnumerable list => string.Join(" ", list.Cast<object>()),
        Enum e => Words(e.ToString(), '-').ToLowerInvariant(),
        _ => string.Format(CultureInfo.InvariantCulture, "{0}", value),
    };

    private static string Words(string name, char separator)
    {
        var words = new StringBuilder();
        foreach (var c in name)
        {
            if (char.IsUpper(c) && words.Length > 0) words.Append(separator);
            words.Append(c);
        }

        return words.ToString();
    }
}
