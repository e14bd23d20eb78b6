using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DistillOnnx.Core.Bundles;

namespace DistillOnnx.Server.Models;

/// <summary>A bundle directory in the model folder.</summary>
/// <param name="Name">The model.</param>
/// <param name="Version">The version by its directory's name; null where the model's directory is the bundle itself.</param>
/// <param name="Directory">The bundle directory.</param>
internal sealed record BundleCandidate(string Name, string? Version, string Directory)
{
    /// <summary>All bundles below a folder, those of a model together, its newest version first.</summary>
    public static IReadOnlyList<IGrouping<string, BundleCandidate>> Find(string folder) =>
        [.. Below(folder).SelectMany(model => IsBundle(model)
                ? [new BundleCandidate(Path.GetFileName(model), null, model)]
                : Below(model).Where(IsBundle)
                    .OrderByDescending(d => Number(Path.GetFileName(d)))
                    .ThenByDescending(Path.GetFileName, StringComparer.Ordinal)
                    .Select(d => new BundleCandidate(Path.GetFileName(model), Path.GetFileName(d), d)))
            .GroupBy(c => c.Name, StringComparer.Ordinal)];

    /// <summary>Changes whenever a file of the bundle comes, goes, or is written.</summary>
    public string Signature()
    {
        var files = new DirectoryInfo(Directory).EnumerateFiles("*", SearchOption.AllDirectories)
            .Select(
                f =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Path.GetRelativePath(Directory, f.FullName)} {f.Length} {f.LastWriteTimeUtc.Ticks}"))
            .Order(StringComparer.Ordinal);
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', files))));
    }

    // Directories that begin with a dot are being written.
    private static IEnumerable<string> Below(string directory) =>
        System.IO.Directory.EnumerateDirectories(directory).Where(d => ModelReference.IsName(Path.GetFileName(d)))
            .Order(StringComparer.Ordinal);

    private static bool IsBundle(string directory) => File.Exists(Path.Combine(directory, BundleManifest.FileName));

    private static long Number(string version) =>
        long.TryParse(version.TrimStart('v'), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
}
