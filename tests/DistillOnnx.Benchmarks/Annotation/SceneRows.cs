using DistillOnnx.Data;
using DistillOnnx.Toolchain.Scenes;

namespace DistillOnnx.Benchmarks.Annotation;

/// <summary>Any number of different rows that the rule-based teacher understands.</summary>
internal static class SceneRows
{
    /// <summary>Writes a dataset without labels.</summary>
    public static void Write(string directory, int rows)
    {
        using var writer = DatasetWriter.Create(directory, SceneRules.Task);
        var written = 0;
        foreach (var text in Texts().Take(rows)) writer.Write(SplitNames.Train, new Example { Id = $"scene-{written++}", Input = text });
        writer.Commit();
    }

    // When all scenes are told, they are told again with more space between: other texts, which mean the same.
    private static IEnumerable<string> Texts() =>
        from space in Enumerable.Range(1, 1000)
        from name in SceneWords.Names
        from verb in SceneWords.Verbs
        from color in SceneWords.Colors
        from thing in SceneWords.Kinds.Keys
        from place in SceneWords.Sides.Keys
        from asked in SceneWords.Names
        from kind in SceneWords.ThingsByKind.Keys
        select ($"{name} {verb.Statement} a {color} {thing} in the {place}.{new string(' ', space)}Does {asked} "
            + $"{verb.Question} {SceneWords.WithArticle(kind)}?");
}
