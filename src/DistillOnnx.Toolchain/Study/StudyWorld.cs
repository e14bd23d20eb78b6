using System.Globalization;
using DistillOnnx.Data;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Toolchain.Study;

/// <summary>The generated world as a dataset of a study, whose depths of reasoning are trained together and measured apart.</summary>
internal static class StudyWorld
{
    private const string Name = "world";
    private const long Seed = 1;

    /// <summary>Generates the dataset, unless an earlier run of the study has.</summary>
    /// <param name="options">Which depths, and how many rows; it goes into the study's directory.</param>
    public static IEnumerable<StudyData> Prepare(StudyOptions options)
    {
        var depths = Depths(options);
        if (depths.Length == 0) yield break;
        var directory = Path.Combine(options.Out, Name);
        if (!Directory.Exists(directory))
            WorldDataset.Generate(directory, depths, options.WorldRows ?? StudyOptions.DefaultWorldRows, Seed);
        yield return StudyData.Read(Name, directory, options.Split) with { Group = Group };
    }

    /// <summary>What stands for it among the datasets of a study's tables: the whole, and each depth.</summary>
    /// <param name="options">Which depths.</param>
    public static IEnumerable<string> Names(StudyOptions options) =>
        Depths(options) is { Length: > 0 } depths ? [Name, .. depths.Select(Group)] : [];

    private static int[] Depths(StudyOptions options) =>
        [.. options.World.Select(d => int.Parse(d, CultureInfo.InvariantCulture)).Order()];

    private static string Group(Example row) => Group(WorldText.Read(row.Input)!.Depth);

    private static string Group(int depth) => FormattableString.Invariant($"depth-{depth}");
}
