namespace DistillOnnx.Toolchain.World;

/// <summary>A text of the generated world: what somebody has, perhaps something else that nobody has, and a question.</summary>
/// <param name="Name">Who has the things.</param>
/// <param name="Things">The things, one or more, each with the colour that is told of it, or null.</param>
/// <param name="Outside">A thing that nobody has and no question is about; null: none.</param>
/// <param name="Property">The question: whether half of the things or more have it.</param>
internal sealed record WorldText(
    string Name, IReadOnlyList<(string Thing, string? Color)> Things, (string Thing, string? Color)? Outside, string Property)
{
    /// <summary>How many phrasings the statement has.</summary>
    public const int StatementForms = 3;

    /// <summary>How many phrasings the question has.</summary>
    public const int QuestionForms = 2;

    /// <summary>Writes it.</summary>
    /// <param name="statement">Which phrasing of the statement, below <see cref="StatementForms"/>.</param>
    /// <param name="question">Which phrasing of the question, below <see cref="QuestionForms"/>.</param>
    /// <param name="outsideFirst">Whether what is outside comes before the statement, if there is anything.</param>
    public string Write(int statement, int question, bool outsideFirst)
    {
        var things = string.Join(", ", Things.SkipLast(1).Select(Write));
        things = things.Length == 0 ? Write(Things[^1]) : $"{things} and {Write(Things[^1])}";
        var text = statement switch
        {
            0 => $"{Name} has {things}.",
            1 => $"{Name} found {things}.",
            _ => $"There is {things} with {Name}.",
        };
        if (Outside is { } other) text = outsideFirst ? $"Outside is {Write(other)}. {text}" : $"{text} Outside is {Write(other)}.";
        return question == 0 ? $"{text} Is half of it or more {Property}?" : $"{text} Is it {Property} for at least one half?";
    }

    /// <summary>Reads a text; null where it is none of the world's.</summary>
    /// <param name="text">The text.</param>
    public static WorldText? Read(string text)
    {
        if (!text.EndsWith('?')) return null;
        var sentences = text[..^1].Split('.');
        var property = Words(sentences[^1]) switch
        {
            ["Is", "half", "of", "it", "or", "more", var p] => p,
            ["Is", "it", var p, "for", "at", "least", "one", "half"] => p,
            _ => null,
        };
        if (property is null || !WorldWords.KindsByProperty.ContainsKey(property)) return null;
        (string Thing, string? Color)? outside = null;
        (string Name, IReadOnlyList<(string, string?)> Things)? stated = null;
        foreach (var sentence in sentences[..^1])
        {
            if (Words(sentence) is ["Outside", "is", .. var other] && outside is null && ReadThing(other) is { } thing) outside = thing;
            else if (stated is null && ReadStatement(Words(sentence)) is { } statement) stated = statement;
            else return null;
        }

        return stated is { } known ? new WorldText(known.Name, known.Things, outside, property) : null;
    }

    private static (string Name, IReadOnlyList<(string, string?)> Things)? ReadStatement(string[] words) => words switch
    {
        [var name, "has" or "found", .. var things] => ReadStatement(name, things),
        ["There", "is", .. var things, "with", var name] => ReadStatement(name, things),
        _ => null,
    };

    private static (string Name, IReadOnlyList<(string, string?)> Things)? ReadStatement(string name, string[] words)
    {
        var parts = string.Join(' ', words).Replace(" and ", ", ", StringComparison.Ordinal).Split(", ");
        var things = parts.Select(p => ReadThing(Words(p))).ToArray();
        return WorldWords.Names.Contains(name) && things.All(t => t is not null) ? (name, [.. things.Select(t => t!.Value)]) : null;
    }

    private static (string Thing, string? Color)? ReadThing(string[] words) => words switch
    {
        ["a" or "an", var thing] when IsThing(thing) => (thing, null),
        ["a" or "an", var color, var thing] when IsThing(thing) && WorldWords.Colors.Contains(color) => (thing, color),
        _ => null,
    };

    private static bool IsThing(string word) => word == WorldWords.Box || WorldWords.Kinds.ContainsKey(word);

    private static string Write((string Thing, string? Color) item) =>
        WorldWords.WithArticle(item.Color is null ? item.Thing : $"{item.Color} {item.Thing}");

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
