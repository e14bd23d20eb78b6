using System.Reflection;

namespace DistillOnnx.Core.T5;

/// <summary>The named student shapes that ship with the toolchain (<c>models/presets</c>).</summary>
public static class T5Presets
{
    private const string Prefix = "presets/";

    /// <summary>All names, in ordinal order.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(n => n[Prefix.Length..^".json".Length])
            .Order(StringComparer.Ordinal)];

    private static Assembly Assembly => typeof(T5Presets).Assembly;

    /// <summary>Whether a preset has this name.</summary>
    /// <param name="name">The name, for instance <c>t5-small</c>.</param>
    public static bool Contains(string name) => Names.Contains(name, StringComparer.Ordinal);

    /// <summary>The shape of a preset.</summary>
    /// <param name="name">The name, for instance <c>t5-small</c>.</param>
    /// <exception cref="InputException">No preset has this name.</exception>
    public static T5Config Load(string name)
    {
        using var stream = Assembly.GetManifestResourceStream($"{Prefix}{name}.json")
            ?? throw new InputException($"no student preset is named \"{name}\"; known are {string.Join(", ", Names)}");
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return T5Config.Parse(memory.ToArray(), $"preset {name}");
    }
}
