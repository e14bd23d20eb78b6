using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DistillOnnx.Server.Models;

/// <summary>A bundle directory in the model folder.</summary>
/// <param name="Name">The model.</param>
/// <param name="Version">The version by its directory's name; null where the model's directory is the bundle itself.</param>
/// <param name="Directory">The bundle directory.</param>
internal sealed record BundleCandidate(string Name, string? Version, string Directory)
{
    /// <summary>Changes whenever a file of the bundle comes, goes, or is written.</summary>
    public string Signature() => SignatureOf(Directory);

    /// <summary>Changes whenever a file below a directory comes, goes, or is written.</summary>
    public static string SignatureOf(string directory)
    {
        var files = new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories)
            .Select(
                f =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Path.GetRelativePath(directory, f.FullName)} {f.Length} {f.LastWriteTimeUtc.Ticks}"))
            .Order(StringComparer.Ordinal);
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', files))));
    }
}
