using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Export;

/// <summary>What a bundle's manifest says about where it comes from.</summary>
internal static class BundleTask
{
    /// <summary>
    /// The task given, else the checkpoint's own, else the one that any text-to-text model can do: open text without prefixes.
    /// </summary>
    public static TaskSpec Load(BundleExportOptions options, CheckpointPlace checkpoint)
    {
        if (options.Task is { } given) return TaskSpec.Load(given);
        if (File.Exists(Path.Combine(checkpoint.Directory, TaskSpec.FileName))) return TaskSpec.Load(checkpoint.Directory);
        return new TaskSpec { Name = Name(checkpoint), Kind = TaskKind.Text, PredictPrefix = "", ExplainPrefix = "" };
    }

    /// <summary>The checkpoint's name, the files that its weights are read from, and its size.</summary>
    public static BundleSource Source(Checkpoint checkpoint)
    {
        var weights = new SortedDictionary<string, BundleFile>(StringComparer.Ordinal);
        foreach (var path in checkpoint.Files) weights.Add(Path.GetFileName(path), BundleFile.Of(path));

        return new BundleSource(Name(checkpoint.Place), weights, checkpoint.Config.ParameterCount);
    }

    private static string Name(CheckpointPlace checkpoint)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(checkpoint.Directory)));
        return name.Length == 0 ? "checkpoint" : name;
    }
}
