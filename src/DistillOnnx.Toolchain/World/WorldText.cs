namespace DistillOnnx.Toolchain.World;

/// <summary>A text of the generated world: who did what, with which thing, where and when, and a question with conditions.</summary>
/// <param name="Name">Who.</param>
/// <param name="Verb">Did what, as an index of <see cref="WorldWords.Verbs"/>.</param>
/// <param name="Words">A word for each of <see cref="WorldWords.Aspects"/>: the thing, its place, the time, its colour.</param>
/// <param name="Asked">Whom the question is about.</param>
/// <param name="Conditions">For each of <see cref="WorldWords.Aspects"/> what the question says of it; null: nothing.</param>
internal sealed record WorldText(
    string Name, int Verb, IReadOnlyList<string> Words, string Asked, IReadOnlyList<string?> Conditions)
{
    /// <summary>How many phrasings the statement has.</summary>
    public const int Forms = 3;

    private const int Thing = 0, Place = 1, Time = 2, Color = 3;
    private const string NoKind = "thing";
    private const string Colored = "-coloured";

    /// <summary>Conditions of the question: steps of reasoning.</summary>
    public int Depth => Conditions.Count(c => c is not null);

    /// <summary>Writes it.</summary>
    /// <param name="form">Which phrasing of the statement, below <see cref="Forms"/>.</param>
    public string Write(int form)
    {
        var (statement, question) = WorldWords.Verbs[Verb];
        var act = $"{Name} {statement} {WorldWords.WithArticle($"{Words[Color]} {Words[Thing]}")}";
        var (where, when) = ($"in the {Words[Place]}", When(Words[Time]));
        var text = form switch
        {
            0 => $"{act} {where} {when}.",
            1 => $"{Upper(when)} {act} {where}.",
            _ => $"{Upper(where)} {act} {when}.",
        };
        var tone = Conditions[Color] is { } color ? $"{color}{Colored} " : "";
        var asked = WorldWords.WithArticle(tone + (Conditions[Thing] ?? NoKind));
        return $"{text} Does {Asked} {question} {string.Join(' ', new[] { asked, Conditions[Place], Conditions[Time] }.OfType<string>())}?";
    }

    /// <summary>Reads a text; null where it is none of the world's.</summary>
    /// <param name="text">The text.</param>
    public static WorldText? Read(string text)
    {
        if (text.Split(". ") is not [var statement, var question] || !question.EndsWith('?')) return null;
        if (ReadStatement(Split(statement)) is not { } told || ReadQuestion(Split(question[..^1])) is not { } asked) return null;
        return asked.Verb == WorldWords.Verbs[told.Verb].Question ? told with { Asked = asked.Name, Conditions = asked.Conditions } : null;
    }

    /// <summary>A sentence's first letter in upper case.</summary>
    public static string Upper(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static string When(string time) => time is "noon" or "midnight" or "night" ? $"at {time}" : $"in the {time}";

    private static WorldText? ReadStatement(string[] words) => words switch
    {
        [var name, var verb, "a" or "an", var color, var thing, "in", "the", var place, .. var when] =>
            Known(name, verb, thing, place, when, color),
        ["In", "the", var place, var name, var verb, "a" or "an", var color, var thing, .. var when]
            when WorldWords.Side.Values.ContainsKey(place) => Known(name, verb, thing, place, when, color),
        ["In", "the", var time, var name, var verb, "a" or "an", var color, var thing, "in", "the", var place] =>
            Known(name, verb, thing, place, ["in", "the", time], color),
        ["At", var time, var name, var verb, "a" or "an", var color, var thing, "in", "the", var place] =>
            Known(name, verb, thing, place, ["at", time], color),
        _ => null,
    };

    private static WorldText? Known(string name, string verb, string thing, string place, string[] when, string color)
    {
        string[] words = [thing, place, when is [.., var time] ? time : "", color];
        var act = WorldWords.Verbs.ToList().FindIndex(v => v.Statement == verb);
        return act >= 0 && WorldWords.Names.Contains(name)
            && words.Zip(WorldWords.Aspects).All(p => p.Second.Values.ContainsKey(p.First))
            && string.Join(' ', when) == When(words[Time])
            ? new WorldText(name, act, words, name, [null, null, null, null])
            : null;
    }

    private static (string Name, string Verb, string?[] Conditions)? ReadQuestion(string[] words)
    {
        if (words is not ["Does", var name, var verb, "a" or "an", .. var rest] || !WorldWords.Names.Contains(name)) return null;
        var conditions = new string?[WorldWords.Aspects.Count];
        var left = new Queue<string>(rest);
        if (left.TryPeek(out var color) && color.EndsWith(Colored, StringComparison.Ordinal))
            conditions[Color] = left.Dequeue()[..^Colored.Length];
        if (!left.TryDequeue(out var kind)) return null;
        if (kind != NoKind) conditions[Thing] = kind;
        if (left.TryPeek(out var side) && side != "by") conditions[Place] = left.Dequeue();
        if (left.Count > 0) conditions[Time] = string.Join(' ', left);
        return conditions.Any(c => c is not null)
            && conditions.Zip(WorldWords.Aspects).All(p => p.First is null || p.Second.WordsByValue.ContainsKey(p.First))
            ? (name, verb, conditions)
            : null;
    }

    private static string[] Split(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
