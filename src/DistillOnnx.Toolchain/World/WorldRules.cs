using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.World;

/// <summary>
/// The rule-based teacher of the generated world. A row states a scene and asks whether conditions hold in it, for instance <c>In the attic
/// Mia sees a blue pear at noon. Does Mia see a fruit outdoors?</c> The rules read nothing but that text, look up what they know about its
/// words (a pear is a fruit, the attic is indoors) and say of each condition first whether it holds and then why. What they do not
/// understand they leave unanswered.
/// </summary>
internal static class WorldRules
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
        MaxInputTokens = 96,
        MaxLabelTokens = 8,
    };

    /// <summary>Answers a question about a text.</summary>
    /// <param name="input">A text of the world.</param>
    /// <returns>Null where the rules do not understand it.</returns>
    public static RuleAnswer? Answer(string input)
    {
        if (WorldText.Read(input) is not { } text) return null;
        if (text.Asked != text.Name) return new RuleAnswer($"The text is about {text.Name}, not {text.Asked}.", Unknown);
        var facts = new List<string>();
        var holds = true;
        for (var i = 0; i < text.Conditions.Count; i++)
        {
            if (text.Conditions[i] is not { } asked) continue;
            var aspect = WorldWords.Aspects[i];
            var known = aspect.Values[text.Words[i]];
            string Say(string value) => aspect == WorldWords.Kind ? WorldWords.WithArticle(value) : value;
            var subject = aspect == WorldWords.Kind ? WorldWords.WithArticle(text.Words[i])
                : aspect == WorldWords.Side ? $"the {text.Words[i]}"
                : text.Words[i];
            // The verdict comes before the fact: it is what an immediate answer needs, so it has to be found without writing the fact.
            facts.Add(WorldText.Upper(known == asked
                ? $"{subject} is {Say(known)}."
                : $"{subject} is not {Say(asked)} but {Say(known)}."));
            holds &= known == asked;
        }

        return new RuleAnswer(string.Join(' ', facts), holds ? Yes : No);
    }
}
