using DistillOnnx.Data;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Benchmarks.Annotation;

/// <summary>Any number of different rows that the rule-based teacher understands.</summary>
internal static class WorldTexts
{
    /// <summary>Writes a dataset without labels.</summary>
    public static void Write(string directory, int rows)
    {
        using var writer = DatasetWriter.Create(directory, WorldRules.Task);
        var written = 0;
        foreach (var text in Texts().Take(rows)) writer.Write(SplitNames.Train, new Example { Id = $"text-{written++}", Input = text });
        writer.Commit();
    }

    private static IEnumerable<string> Texts() =>
        from name in WorldWords.Names
        from verb in Enumerable.Range(0, WorldWords.Verbs.Count)
        from thing in WorldWords.Kind.Words
        from place in WorldWords.Side.Words
        from time in WorldWords.Light.Words
        from color in WorldWords.Tone.Words
        from asked in WorldWords.Names
        from kind in WorldWords.Kind.Meanings
        from form in Enumerable.Range(0, WorldText.Forms)
        select new WorldText(name, verb, [thing, place, time, color], asked, [kind, null, null, null]).Write(form);
}
