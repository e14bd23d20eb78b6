namespace DistillOnnx.Toolchain.World;

/// <summary>
/// What holds in the generated world: of which kind a thing is, on which side of a door a place lies, and so on. No text of a dataset
/// states it, so a student has to find it out from labels, or from the teacher's rationales, which name it.
/// </summary>
internal static class WorldWords
{
    /// <summary>People.</summary>
    public static IReadOnlyList<string> Names { get; } = ["Mia", "Ben", "Anna", "Tom", "Lena", "Paul", "Nora", "Max"];

    /// <summary>What people do with a thing: the form of a statement and the form of a question.</summary>
    public static IReadOnlyList<(string Statement, string Question)> Verbs { get; } = [
        ("sees", "see"), ("finds", "find"), ("draws", "draw"), ("touches", "touch")
    ];

    /// <summary>Things by their kind.</summary>
    public static WorldAspect Kind { get; } = Aspect(
        ("animal", ["dog", "cat", "horse", "cow", "pig", "goat"]),
        ("fruit", ["apple", "pear", "plum", "cherry", "peach", "lemon"]),
        ("tool", ["hammer", "saw", "drill", "file", "rake", "axe"]),
        ("vehicle", ["car", "bus", "van", "truck", "tram", "train"]));

    /// <summary>Places by where they lie.</summary>
    public static WorldAspect Side { get; } = Aspect(
        ("indoors", ["kitchen", "attic", "bedroom", "cellar", "hall", "office"]),
        ("outdoors", ["garden", "meadow", "forest", "street", "park", "field"]));

    /// <summary>Times by the part of the day.</summary>
    public static WorldAspect Light { get; } = Aspect(
        ("by day", ["morning", "noon", "afternoon"]),
        ("by night", ["evening", "midnight", "night"]));

    /// <summary>Colours by what painters call them.</summary>
    public static WorldAspect Tone { get; } = Aspect(
        ("cold", ["blue", "green", "violet", "grey", "white", "silver"]),
        ("warm", ["red", "orange", "yellow", "pink", "brown", "golden"]));

    /// <summary>All that a question may ask about, in the order in which a rationale says it.</summary>
    public static IReadOnlyList<WorldAspect> Aspects { get; } = [Kind, Side, Light, Tone];

    /// <summary>A noun with its article.</summary>
    /// <param name="noun">The noun, or an adjective before one.</param>
    public static string WithArticle(string noun) => (noun[0] is 'a' or 'e' or 'i' or 'o' or 'u' ? "an " : "a ") + noun;

    private static WorldAspect Aspect(params (string Value, IReadOnlyList<string> Words)[] words) =>
        new(new SortedDictionary<string, IReadOnlyList<string>>(
            words.ToDictionary(w => w.Value, w => w.Words), StringComparer.Ordinal));
}
