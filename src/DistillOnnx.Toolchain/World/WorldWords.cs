namespace DistillOnnx.Toolchain.World;

/// <summary>
/// What holds in the generated world: every thing is of a kind, and every kind has some properties. No text of a dataset states either,
/// so a student has to find out from labels, or from the teacher's rationales, which name them.
/// </summary>
internal static class WorldWords
{
    /// <summary>People.</summary>
    public static IReadOnlyList<string> Names { get; } = ["Mia", "Ben", "Anna", "Tom", "Lena", "Paul", "Nora", "Max"];

    /// <summary>Colours, which say nothing about any question.</summary>
    public static IReadOnlyList<string> Colors { get; } = ["red", "blue", "green", "white"];

    /// <summary>A thing that hides what it holds.</summary>
    public const string Box = "box";

    /// <summary>Things by their kind.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> ThingsByKind { get; } =
        new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            ["bird"] = ["robin", "sparrow", "eagle", "crow", "owl", "swan", "goose", "finch"],
            ["fish"] = ["trout", "salmon", "carp", "pike", "shark", "cod", "tuna", "perch"],
            ["flower"] = ["rose", "tulip", "daisy", "lily", "poppy", "violet", "iris", "lilac"],
            ["fruit"] = ["apple", "pear", "plum", "cherry", "grape", "peach", "lemon", "fig"],
            ["garment"] = ["coat", "shirt", "hat", "sock", "glove", "scarf", "skirt", "boot"],
            ["insect"] = ["ant", "bee", "wasp", "beetle", "moth", "fly", "cricket", "gnat"],
            ["instrument"] = ["piano", "violin", "flute", "drum", "harp", "trumpet", "guitar", "cello"],
            ["mammal"] = ["dog", "cat", "horse", "cow", "pig", "sheep", "goat", "fox"],
            ["tool"] = ["hammer", "saw", "drill", "chisel", "file", "spade", "rake", "axe"],
            ["tree"] = ["oak", "pine", "birch", "maple", "elm", "willow", "cedar", "beech"],
            ["vehicle"] = ["car", "bus", "van", "truck", "train", "tram", "bike", "boat"],
            ["vessel"] = ["cup", "jug", "bowl", "pan", "pot", "jar", "bottle", "plate"],
        };

    /// <summary>Which kinds have a property: half of them each, so that a question alone tells nothing.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> KindsByProperty { get; } =
        new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            ["alive"] = ["bird", "fish", "flower", "insect", "mammal", "tree"],
            ["cheap"] = ["flower", "fruit", "garment", "insect", "tool", "vessel"],
            ["edible"] = ["bird", "fish", "flower", "fruit", "insect", "mammal"],
            ["heavy"] = ["instrument", "mammal", "tool", "tree", "vehicle", "vessel"],
            ["loud"] = ["bird", "insect", "instrument", "mammal", "tool", "vehicle"],
            ["shiny"] = ["fish", "insect", "instrument", "tool", "vehicle", "vessel"],
            ["soft"] = ["bird", "fish", "flower", "fruit", "garment", "mammal"],
            ["urban"] = ["bird", "garment", "instrument", "tree", "vehicle", "vessel"],
        };

    /// <summary>The kind of each thing.</summary>
    public static IReadOnlyDictionary<string, string> Kinds { get; } = Invert(ThingsByKind);

    /// <summary>Whether a thing, by its kind, has a property.</summary>
    /// <param name="thing">The thing.</param>
    /// <param name="property">The property.</param>
    public static bool Has(string thing, string property) => KindsByProperty[property].Contains(Kinds[thing]);

    /// <summary>A noun with its article.</summary>
    /// <param name="noun">The noun, or an adjective before one.</param>
    public static string WithArticle(string noun) => (noun[0] is 'a' or 'e' or 'i' or 'o' or 'u' ? "an " : "a ") + noun;

    private static Dictionary<string, string> Invert(IReadOnlyDictionary<string, IReadOnlyList<string>> groups) =>
        groups.SelectMany(g => g.Value.Select(v => (Member: v, Group: g.Key))).ToDictionary(
            p => p.Member, p => p.Group, StringComparer.Ordinal);
}
