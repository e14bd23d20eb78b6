namespace DistillOnnx.Toolchain.Scenes;

/// <summary>The small world that the quickstart's scenes are about.</summary>
internal static class SceneWords
{
    /// <summary>People.</summary>
    public static IReadOnlyList<string> Names { get; } = ["Mia", "Ben", "Anna", "Tom", "Lena", "Paul", "Nora", "Max"];

    /// <summary>What people do with a thing: the form of a statement and the form of a question.</summary>
    public static IReadOnlyList<(string Statement, string Question)> Verbs { get; } = [
        ("sees", "see"), ("finds", "find"), ("draws", "draw"), ("touches", "touch")
    ];

    /// <summary>Colours.</summary>
    public static IReadOnlyList<string> Colors { get; } = ["red", "blue", "green", "white"];

    /// <summary>Qualities that no scene states.</summary>
    public static IReadOnlyList<string> Unstated { get; } = ["old", "heavy", "cheap", "wet"];

    /// <summary>Things by their kind.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> ThingsByKind { get; } =
        new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            ["animal"] = ["dog", "cat", "horse"],
            ["fruit"] = ["apple", "pear", "plum"],
            ["tool"] = ["hammer", "saw", "drill"],
            ["vehicle"] = ["car", "bus", "van"],
        };

    /// <summary>Places by where they lie.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> PlacesBySide { get; } =
        new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            ["indoors"] = ["kitchen", "attic", "bedroom"],
            ["outdoors"] = ["garden", "meadow", "forest"],
        };

    /// <summary>The kind of each thing.</summary>
    public static IReadOnlyDictionary<string, string> Kinds { get; } = Invert(ThingsByKind);

    /// <summary>The side, indoors or outdoors, of each place.</summary>
    public static IReadOnlyDictionary<string, string> Sides { get; } = Invert(PlacesBySide);

    /// <summary>A noun with its article.</summary>
    /// <param name="noun">The noun, or an adjective before one.</param>
    public static string WithArticle(string noun) => (noun[0] is 'a' or 'e' or 'i' or 'o' or 'u' ? "an " : "a ") + noun;

    private static Dictionary<string, string> Invert(IReadOnlyDictionary<string, IReadOnlyList<string>> groups) =>
        groups.SelectMany(g => g.Value.Select(v => (Member: v, Group: g.Key))).ToDictionary(
            p => p.Member, p => p.Group, StringComparer.Ordinal);
}
