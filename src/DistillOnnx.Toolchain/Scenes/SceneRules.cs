using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Scenes;

/// <summary>
/// The rule-based teacher of the quickstart. A row states a scene and asks a question about it, for instance
/// <c>Mia sees a red dog in the garden. Does Mia see an animal?</c> The rules read nothing but that text, look up what they
/// know about its words (a dog is an animal) and compare. What they do not understand they leave unanswered.
/// </summary>
internal static class SceneRules
{
    private const string Yes = "yes";
    private const string No = "no";
    private const string Unknown = "unknown";

    /// <summary>The task that the rules answer.</summary>
    public static TaskSpec Task { get; } = new()
    {
        Name = "scenes",
        Kind = TaskKind.Labels,
        Labels = [Yes, No, Unknown],
        MaxInputTokens = 64,
        MaxLabelTokens = 8,
    };

    /// <summary>Whether the rules are made for a task: the closed set is theirs.</summary>
    /// <param name="task">The task.</param>
    public static bool Understand(TaskSpec task) => task.Labels is { } labels && labels.SequenceEqual(Task.Labels!, StringComparer.Ordinal);

    /// <summary>Answers a question about a scene.</summary>
    /// <param name="input">Statement and question.</param>
    /// <returns>Null where the rules do not understand the text.</returns>
    public static RuleAnswer? Answer(string input)
    {
        var end = input.IndexOf('.');
        if (end < 0 || !input.EndsWith('?')) return null;
        if (Scene.Read(Words(input[..end])) is not { } scene) return null;
        return Words(input[(end + 1)..^1]) switch
        {
            ["Does", var name, var verb, "a" or "an", var kind] => Kind(scene, name, verb, kind),
            ["Is", "the", var thing, var quality] => Quality(scene, thing, quality),
            ["Is", var name, var side] => Side(scene, name, side),
            _ => null,
        };
    }

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static RuleAnswer? Kind(Scene scene, string name, string verb, string kind)
    {
        if (!SceneWords.Names.Contains(name) || verb != scene.Verb || !SceneWords.ThingsByKind.ContainsKey(kind)) return null;
        if (name != scene.Name) return Stranger(scene, name);
        var known = SceneWords.Kinds[scene.Thing];
        var fact = $"{Upper(SceneWords.WithArticle(scene.Thing))} is {SceneWords.WithArticle(known)}";
        return known == kind ? new RuleAnswer(fact + ".", Yes) : new RuleAnswer($"{fact}, not {SceneWords.WithArticle(kind)}.", No);
    }

    private static RuleAnswer? Side(Scene scene, string name, string side)
    {
        if (!SceneWords.Names.Contains(name) || !SceneWords.PlacesBySide.ContainsKey(side)) return null;
        if (name != scene.Name) return Stranger(scene, name);
        var known = SceneWords.Sides[scene.Place];
        var fact = $"The {scene.Place} is {known}";
        return known == side ? new RuleAnswer(fact + ".", Yes) : new RuleAnswer($"{fact}, not {side}.", No);
    }

    private static RuleAnswer? Quality(Scene scene, string thing, string quality)
    {
        if (!SceneWords.Kinds.ContainsKey(thing)) return null;
        if (thing != scene.Thing)
            return new RuleAnswer(
                $"The text is about {SceneWords.WithArticle(scene.Thing)}, not {SceneWords.WithArticle(thing)}.", Unknown);
        if (SceneWords.Unstated.Contains(quality)) return new RuleAnswer($"Nothing tells whether the {thing} is {quality}.", Unknown);
        if (!SceneWords.Colors.Contains(quality)) return null;
        return scene.Color == quality
            ? new RuleAnswer($"The {thing} is {scene.Color}.", Yes)
            : new RuleAnswer($"The {thing} is {scene.Color}, not {quality}.", No);
    }

    private static RuleAnswer Stranger(Scene scene, string name) => new($"The text is about {scene.Name}, not {name}.", Unknown);

    private static string Upper(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
