using System.Globalization;
using DistillOnnx.Core.Bundles;

namespace DistillOnnx.Server.Models;

/// <summary>What lies in the model folder at one moment.</summary>
/// <param name="Models">The bundles of each model, the newest version first.</param>
/// <param name="Others">The directories that hold none, each with what they are instead.</param>
internal sealed record FolderListing(
    IReadOnlyList<IGrouping<string, BundleCandidate>> Models, IReadOnlyList<(string Directory, string Reason)> Others)
{
    private const string Expected = "expected a bundle, or a directory for each of a model's versions";

    /// <summary>Lists a folder.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static FolderListing Read(string folder)
    {
        var (bundles, others) = (new List<BundleCandidate>(), new List<(string, string)>());
        foreach (var model in Below(folder))
        {
            var name = Path.GetFileName(model);
            if (!ModelReference.IsName(name)) others.Add((model, NoName(name)));
            else if (IsBundle(model)) bundles.Add(new BundleCandidate(name, null, model));
            else if (Describe(model) is { } what) others.Add((model, what));
            else AddVersions(name, model, bundles, others);
        }

        return new FolderListing([.. bundles.GroupBy(c => c.Name, StringComparer.Ordinal)], others);
    }

    private static void AddVersions(string name, string model, List<BundleCandidate> bundles, List<(string, string)> others)
    {
        var versions = Below(model).OrderByDescending(d => Number(Path.GetFileName(d)))
            .ThenByDescending(Path.GetFileName, StringComparer.Ordinal).ToList();
        if (versions.Count == 0) others.Add((model, $"it is empty; {Expected}"));
        foreach (var directory in versions)
        {
            var version = Path.GetFileName(directory);
            if (!ModelReference.IsName(version)) others.Add((directory, NoName(version)));
            else if (IsBundle(directory)) bundles.Add(new BundleCandidate(name, version, directory));
            else others.Add((directory, Describe(directory) ?? $"it has no {BundleManifest.FileName}; expected a bundle"));
        }
    }

    /// <summary>What a directory is that is no bundle; null: it may hold versions.</summary>
    private static string? Describe(string directory)
    {
        var files = Directory.EnumerateFiles(directory).Select(f => Path.GetFileName(f)!).ToList();
        var hasGraphs = Directory.Exists(Path.Combine(directory, BundleFiles.GraphDirectory))
            || files.Any(f => f.EndsWith(".onnx", StringComparison.Ordinal));
        if (hasGraphs)
            return $"it has graphs but no {BundleManifest.FileName}: a bundle that is not copied whole, or graphs of another program";
        if (files.Any(f => f.EndsWith(".safetensors", StringComparison.Ordinal) || f == "pytorch_model.bin"))
            return "it is a checkpoint; expected a bundle, which distill export makes of it";
        return files.Count > 0 ? $"it has files but no {BundleManifest.FileName}; {Expected}" : null;
    }

    private static string NoName(string name) =>
        $"\"{name}\" cannot name what is served; expected at most 128 letters, digits, \"-\", \"_\" or \".\"";

    // Directories that begin with a dot are being written.
    private static IEnumerable<string> Below(string directory) => Directory.EnumerateDirectories(directory)
        .Where(d => !Path.GetFileName(d).StartsWith('.')).Order(StringComparer.Ordinal);

    private static bool IsBundle(string directory) => File.Exists(Path.Combine(directory, BundleManifest.FileName));

    private static long Number(string version) =>
        long.TryParse(version.TrimStart('v'), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
}
