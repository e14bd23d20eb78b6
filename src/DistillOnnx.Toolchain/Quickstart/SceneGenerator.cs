using DistillOnnx.Data;
using DistillOnnx.Toolchain.Scenes;

namespace DistillOnnx.Toolchain.Quickstart;

/// <summary>Makes scenes and questions whose answer is known because they were made for it.</summary>
/// <param name="seed">Equal seeds give equal sequences.</param>
internal sealed class SceneGenerator(long seed)
{
    /// <summary>How many labels there are: 0 yes, 1 no, 2 unknown.</summary>
    public const int Labels = 3;

    private static readonly string[] Things = [.. SceneWords.ThingsByKind.Values.SelectMany(t => t)];
    private static readonly string[] Kinds = [.. SceneWords.ThingsByKind.Keys];
    private static readonly string[] Places = [.. SceneWords.PlacesBySide.Values.SelectMany(p => p)];
    private static readonly string[] Sides = [.. SceneWords.PlacesBySide.Keys];

    private readonly SplitMix64 _random = new(seed);

    /// <summary>The next row.</summary>
    /// <param name="label">Which label it is made for.</param>
    public (string Input, string Label) Next(int label)
    {
        var name = Pick(SceneWords.Names);
        var (verb, asked) = Pick(SceneWords.Verbs);
        var color = Pick(SceneWords.Colors);
        var thing = Pick(Things);
        var place = Pick(Places);
        var action = $"{name} {verb} {SceneWords.WithArticle(color)} {thing}";
        var statement = _random.Next(2) == 0 ? $"{action} in the {place}." : $"In the {place} {action}.";
        var question = label switch
        {
            0 => Describe(name, asked, SceneWords.Kinds[thing], thing, color, SceneWords.Sides[place]),
            1 => Describe(
                name,
                asked,
                Other(Kinds, SceneWords.Kinds[thing]),
                thing,
                Other(SceneWords.Colors, color),
                Other(Sides, SceneWords.Sides[place])),
            _ => Untold(name, asked, thing),
        };
        return ($"{statement} {question}", SceneRules.Task.Labels![label]);
    }

    private string Describe(string name, string verb, string kind, string thing, string color, string side) => _random.Next(3) switch
    {
        0 => Action(name, verb, kind),
        1 => Quality(thing, color),
        _ => Whereabouts(name, side),
    };

    private string Untold(string name, string verb, string thing) => _random.Next(4) switch
    {
        0 => Action(Other(SceneWords.Names, name), verb, Pick(Kinds)),
        1 => Whereabouts(Other(SceneWords.Names, name), Pick(Sides)),
        2 => Quality(Other(Things, thing), Pick(SceneWords.Colors)),
        _ => Quality(thing, Pick(SceneWords.Unstated)),
    };

    private static string Action(string name, string verb, string kind) => $"Does {name} {verb} {SceneWords.WithArticle(kind)}?";

    private static string Quality(string thing, string quality) => $"Is the {thing} {quality}?";

    private static string Whereabouts(string name, string side) => $"Is {name} {side}?";

    private T Pick<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    private string Other(IReadOnlyList<string> items, string than)
    {
        for (; ; )
        {
            var item = Pick(items);
            if (item != than) return item;
        }
    }
}
