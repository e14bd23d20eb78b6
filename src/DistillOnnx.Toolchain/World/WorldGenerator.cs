using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.World;

/// <summary>
/// Makes texts and questions of one depth, in several phrasings, some with colours or a thing outside, which say nothing about the
/// question. A fifth of the combinations of a thing and a property is held out: rows of training never ask for one of them, rows of the
/// other splits always do, so what a thing is must have been learnt from questions about its other properties.
/// </summary>
/// <param name="depth">Things of a text, 1 to <see cref="MaxDepth"/>: steps of reasoning, each from a thing to its kind and from that to
/// the property.</param>
/// <param name="seed">Equal seeds give equal sequences.</param>
internal sealed class WorldGenerator(int depth, long seed)
{
    /// <summary>The largest depth.</summary>
    public const int MaxDepth = 4;

    /// <summary>How many labels there are: 0 yes, 1 no, 2 unknown.</summary>
    public const int Labels = 3;

    // One in so many: texts with something outside, things with a colour, combinations that are held out.
    private const int Outside = 3;
    private const int Colored = 4;
    private const int HeldOut = 5;

    private static readonly string[] Things = [.. WorldWords.Kinds.Keys];
    private static readonly string[] Properties = [.. WorldWords.KindsByProperty.Keys];

    private readonly SplitMix64 _random = new(seed);

    /// <summary>The next row's input.</summary>
    /// <param name="label">Which label it is made for.</param>
    /// <param name="heldOut">Whether it is to have combinations that are held out, or is to have none.</param>
    public string Next(int label, bool heldOut)
    {
        string property;
        string[] things;
        do
        {
            property = Pick(Properties);
            things = [.. Enumerable.Range(0, depth).Select(_ => Pick(Things))];
        }
        while (things.Any(t => IsHeldOut(t, property)) != heldOut || !Fits(things, property, label));

        // What a box hides cannot be told, whatever the other things are.
        if (label == 2) things[_random.Next(depth)] = WorldWords.Box;
        var text = new WorldText(
            Pick(WorldWords.Names), [.. things.Select(Colour)], _random.Next(Outside) == 0 ? Colour(Pick(Things)) : null, property);
        return text.Write(_random.Next(WorldText.StatementForms), _random.Next(WorldText.QuestionForms), _random.Next(2) == 0);
    }

    /// <summary>A fixed part of all combinations, whatever the seed, so that datasets of different seeds can be put together.</summary>
    public static bool IsHeldOut(string thing, string property)
    {
        var hash = 0L;
        foreach (var letter in $"{thing} {property}") hash = unchecked((hash * 1_000_003) + letter);
        return new SplitMix64(hash).Next(HeldOut) == 0;
    }

    private static bool Fits(string[] things, string property, int label) =>
        things.Distinct().Count() == things.Length
        && (label == 2 || (2 * things.Count(t => WorldWords.Has(t, property)) >= things.Length) == (label == 0));

    private (string, string?) Colour(string thing) => (thing, _random.Next(Colored) == 0 ? Pick(WorldWords.Colors) : null);

    private T Pick<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];
}
