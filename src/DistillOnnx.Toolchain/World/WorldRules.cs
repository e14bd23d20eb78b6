using DistillOnnx.Core.Tasks;
using DistillOnnx.Toolchain.Scenes;

namespace DistillOnnx.Toolchain.World;

/// <summary>
/// The rule-based teacher of the generated world. A row states what somebody has and asks about it, for instance <c>Mia has a trout, a
/// hammer and a red rose. Outside is a bus. Is half of it or more alive?</c> The rules read nothing but that text, look up what they know
/// about its words (a trout is a fish, a fish is alive), say each step and count. What they do not understand they leave unanswered.
/// </summary>
internal static class WorldRules
{
    private const string Yes = "yes";
    private const string No = "no";
    private const string Unknown = "unknown";

    /// <summary>The task that the rules answer.</summary>
    public static TaskSpec Task { get; } = new()
    {
        Name = "world",
        Kind = TaskKind.Labels,
        Labels = [Yes, No, Unknown],
        MaxInputTokens = 96,
        MaxLabelTokens = 8,
    };

    /// <summary>Answers a question about a text.</summary>
    /// <param name="input">A text of the world.</param>
    /// <returns>Null where the rules do not understand it.</returns>
    public static RuleAnswer? Answer(string input)
    {
        if (WorldText.Read(input) is not { } text) return null;
        string[] things = [.. text.Things.Select(t => t.Thing)];
        if (things.Contains(WorldWords.Box)) return new RuleAnswer("Nothing tells what is in the box.", Unknown);
        var steps = string.Join(", ", things.Select(t =>
            $"{WorldWords.WithArticle(WorldWords.Kinds[t])} is {(WorldWords.Has(t, text.Property) ? "" : "not ")}{text.Property}"));
        var count = things.Count(t => WorldWords.Has(t, text.Property));
        return new RuleAnswer(
            $"{char.ToUpperInvariant(steps[0])}{steps[1..]}. That is {count} of {things.Length}.", 2 * count >= things.Length ? Yes : No);
    }
}
