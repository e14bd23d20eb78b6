namespace DistillOnnx.Toolchain.Scenes;

/// <summary>Content of a scene's statement, parsed from its words.</summary>
/// <param name="Name">Who.</param>
/// <param name="Verb">Does what, in the form of a question.</param>
/// <param name="Color">Of which colour.</param>
/// <param name="Thing">With what.</param>
/// <param name="Place">Where.</param>
internal readonly record struct Scene(string Name, string Verb, string Color, string Thing, string Place)
{
    /// <summary>Reads <c>Mia sees a red dog in the garden</c> or <c>In the garden Mia sees a red dog</c>; null for anything else.</summary>
    public static Scene? Read(string[] words) => words switch
    {
        [var name, var verb, "a" or "an", var color, var thing, "in", "the", var place] => Known(name, verb, color, thing, place),
        ["In", "the", var place, var name, var verb, "a" or "an", var color, var thing] => Known(name, verb, color, thing, place),
        _ => null,
    };

    private static Scene? Known(string name, string verb, string color, string thing, string place)
    {
        var asked = SceneWords.Verbs.FirstOrDefault(v => v.Statement == verb).Question;
        return asked is not null && SceneWords.Names.Contains(name) && SceneWords.Colors.Contains(color)
            && SceneWords.Kinds.ContainsKey(thing) && SceneWords.Sides.ContainsKey(place)
            ? new Scene(name, asked, color, thing, place)
            : null;
    }
}
