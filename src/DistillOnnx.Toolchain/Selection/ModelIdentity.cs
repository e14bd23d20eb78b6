using System.Security.Cryptography;
using System.Text;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>A name for exactly the files that a model answers by.</summary>
internal static class ModelIdentity
{
    private static readonly string[] Suffixes = [".safetensors", ".bin", ".json", ".model"];

    /// <summary>Of a bundle its version, of a checkpoint a hash over its files, those of an adapter's base with them.</summary>
    /// <param name="directory">The checkpoint or bundle.</param>
    /// <exception cref="Core.InputException">It is neither.</exception>
    public static string Of(string directory)
    {
        if (PredictorFactory.IsBundle(directory)) return BundleManifest.Load(directory).Version;
        var place = CheckpointPlace.Find(directory);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var files = new[] { place.Directory, place.BaseDirectory }.Distinct(StringComparer.Ordinal)
            .SelectMany(d => Directory.EnumerateFiles(d))
            .Where(f => Suffixes.Contains(Path.GetExtension(f), StringComparer.Ordinal) && !IsReport(f));
        foreach (var file in files.Order(StringComparer.Ordinal))
        {
            using var stream = File.OpenRead(file);
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(file)));
            hash.AppendData(SHA256.HashData(stream));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Holds times, which say nothing about the answers.
    private static bool IsReport(string file) => Path.GetFileName(file) == TrainingFile.Name;
}
