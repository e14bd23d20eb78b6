using System.Globalization;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>Puts a bundle into a model folder as its newest version: <c>FOLDER/NAME/VERSION</c>, numbered from 1.</summary>
internal static class ModelFolderVersion
{
    /// <summary>Whether a text can name a model.</summary>
    public static bool IsName(string name) =>
        name.Length > 0 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>A text as a name.</summary>
    public static string SafeName(string text)
    {
        var name = string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-')).TrimStart('.');
        return name.Length > 0 ? name : "student";
    }

    /// <summary>Copies a bundle there, whole or not at all; one that is there already, by its hashes, is left alone.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="name">The model.</param>
    /// <param name="bundle">The bundle.</param>
    /// <param name="cancellationToken">Stops between files.</param>
    /// <returns>The version's directory.</returns>
    /// <exception cref="Core.InputException">It cannot be written.</exception>
    public static string Add(string folder, string name, string bundle, CancellationToken cancellationToken)
    {
        var model = Path.Combine(Path.GetFullPath(folder), name);
        var version = BundleManifest.Load(bundle).Version;
        var newest = 0L;
        foreach (var directory in Directory.Exists(model) ? Directory.EnumerateDirectories(model) : [])
        {
            if (Number(directory) is not { } number || !File.Exists(Path.Combine(directory, BundleManifest.FileName))) continue;
            if (BundleManifest.Load(directory).Version == version && number >= Newest(model)) return directory;
            newest = Math.Max(newest, number);
        }

        Directory.CreateDirectory(model);
        using var output = OutputDirectory.Create(Path.Combine(model, (newest + 1).ToString(CultureInfo.InvariantCulture)));
        foreach (var file in Directory.EnumerateFiles(bundle, "*", SearchOption.AllDirectories))
        {
            cancellationToken.ThrowIfCancellationRequested();
            File.Copy(file, output.FilePath(Path.GetRelativePath(bundle, file)));
        }

        output.Commit();
        return output.Target;
    }

    private static long Newest(string model) => Directory.EnumerateDirectories(model).Max(d => Number(d) ?? 0);

    private static long? Number(string directory) =>
        long.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
