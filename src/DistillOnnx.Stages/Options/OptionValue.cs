using System.Globalization;

namespace DistillOnnx.Stages.Options;

/// <summary>Texts to option values and back.</summary>
internal static class OptionValue
{
    /// <summary>The value of one text.</summary>
    /// <exception cref="FormatException">The text is no such value; the message says what was expected.</exception>
    public static object Parse(string text, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var culture = CultureInfo.InvariantCulture;
        if (type == typeof(string)) return text;
        if (type == typeof(bool) && bool.TryParse(text, out var flag)) return flag;
        if (type == typeof(int) && int.TryParse(text, NumberStyles.Integer, culture, out var number)) return number;
        if (type == typeof(long) && long.TryParse(text, NumberStyles.Integer, culture, out var big)) return big;
        if (type == typeof(double) && double.TryParse(text, NumberStyles.Float, culture, out var real) && double.IsFinite(real))
            return real;
        if (type == typeof(float) && float.TryParse(text, NumberStyles.Float, culture, out var single) && float.IsFinite(single))
            return single;
        if (type == typeof(decimal) && decimal.TryParse(text, NumberStyles.Number, culture, out var exact)) return exact;
        if (type == typeof(TimeSpan) && double.TryParse(text, NumberStyles.Float, culture, out var seconds) && Math.Abs(seconds) < 1e9)
            return TimeSpan.FromSeconds(seconds);
        if (type.IsEnum)
        {
            foreach (var value in Enum.GetValuesAsUnderlyingType(type))
            {
                var member = Enum.ToObject(type, value);
                if (Name(member).Equals(text.Replace('_', '-'), StringComparison.OrdinalIgnoreCase)) return member;
            }
        }

        var near = type.IsEnum ? NearestName.Suggest(text, Describe(type).Split('|')) : "";
        throw new FormatException($"expected {Describe(type)}, found \"{text}\"{near}");
    }

    /// <summary>A value as <see cref="Parse"/> reads it.</summary>
    public static string Format(object value) => value switch
    {
        string text => text,
        bool flag => flag ? "true" : "false",
        Enum => Name(value),
        TimeSpan span => span.TotalSeconds.ToString(CultureInfo.InvariantCulture),
        System.Collections.IEnumerable list => ListSyntax.Join(list.Cast<object>().Select(Format)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>Placeholder of a value of this type in help and messages.</summary>
    public static string Describe(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsEnum)
            return string.Join('|', Enum.GetValuesAsUnderlyingType(type).Cast<object>().Select(v => Name(Enum.ToObject(type, v))));
        if (type == typeof(string)) return "TEXT";
        if (type == typeof(bool)) return "true|false";
        if (type == typeof(TimeSpan)) return "SECONDS";
        return type == typeof(int) || type == typeof(long) ? "INTEGER" : "NUMBER";
    }

    private static string Name(object member)
    {
        var name = member.ToString()!;
        return string.Concat(name.Select((c, i) =>
            i > 0 && char.IsUpper(c) ? "-" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));
    }
}
