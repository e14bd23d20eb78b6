using System.Globalization;
using DistillOnnx.Data;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Toolchain.Study;

/// <summary>The generated world as a dataset of a study, whose depths of reasoning are trained together and measured apart.</summary>
internal static class StudyWorld
{
    /// <summary>What the dataset is called.</summary>
    public const string Name = "world";

    private const long Seed = 1;

    /// <summary>Where it lies.</summary>
    /// <param name="study">The study's directory.</param>
    public static string Directory(string study) => Path.Combine(study, Name);

    /// <summary>Generates the dataset, unless it is there or none is asked for.</summary>
    /// <param name="options">Which depths, and how many rows.</param>
    /// <param name="study">The study's directory.</param>
    public static void Generate(StudyOptions options, string study)
    {
        var depths = Depths(options);
        if (depths.Length == 0 || System.IO.Directory.Exists(Directory(study))) return;
        WorldDataset.Generate(Directory(study), depths, Rows(options), Seed);
    }

    /// <summary>Reads the dataset, if there is one.</summary>
    /// <param name="options">Which split is measured on.</param>
    /// <param name="study">The study's directory.</param>
    public static IEnumerable<StudyData> Read(StudyOptions options, string study)
    {
        if (options.World.Count > 0) yield return StudyData.Read(Name, Directory(study), options.Split) with { Group = Group };
    }

    /// <summary>A sentence on what it is.</summary>
    public static string Describe(StudyOptions options) => FormattableString.Invariant(
        $"`{Name}` is generated (seed {Seed}): {Rows(options)} training rows of questions with {string.Join(", ", Depths(options))} ")
        + "step(s) of reasoning, which are measured together and by depth.";

    /// <summary>What stands for it among the datasets of a study's tables: the whole, and each depth.</summary>
    /// <param name="options">Which depths.</param>
    public static IEnumerable<string> Names(StudyOptions options) =>
        Depths(options) is { Length: > 0 } depths ? [Name, .. depths.Select(Group)] : [];

    private static int Rows(StudyOptions options) => options.WorldRows ?? StudyOptions.DefaultWorldRows;

    private static int[] Depths(StudyOptions options) =>
        [.. options.World.Select(d => int.Parse(d, CultureInfo.InvariantCulture)).Order()];

    private static string Group(Example row) => Group(WorldText.Read(row.Input)!.Depth);

    private static string Group(int depth) => FormattableString.Invariant($"depth-{depth}");
}
