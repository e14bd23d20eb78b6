using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Bundles;

namespace DistillOnnx.Export;

/// <summary>
/// A bundle that is complete but not yet in place: a review may run its graphs against the checkpoint, add files and
/// figures, take a precision out, or refuse it by throwing, which leaves nothing behind.
/// </summary>
public sealed class BundleDraft
{
    internal BundleDraft(string directory, BundleManifest manifest, Checkpoint checkpoint)
    {
        Directory = directory;
        Manifest = manifest;
        Checkpoint = checkpoint;
    }

    /// <summary>Where its files stand for now, the manifest among them.</summary>
    public string Directory { get; }

    /// <summary>Its manifest; what is set here is what is written. Hashes are taken when the review is done.</summary>
    public BundleManifest Manifest { get; set; }

    /// <summary>The checkpoint that it was made from.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>Takes a precision out: its files and its entry.</summary>
    /// <param name="precision">Its name.</param>
    /// <exception cref="ArgumentException">The bundle has no such precision.</exception>
    public void Remove(string precision)
    {
        if (!Manifest.PrecisionDetails.TryGetValue(precision, out var details))
            throw new ArgumentException($"the bundle has no precision \"{precision}\"", nameof(precision));
        foreach (var graph in details.Graphs)
        {
            var path = Path.Combine(Directory, BundleFiles.Graph(graph, precision));
            File.Delete(path);
            File.Delete(path + "_data");
        }

        Manifest = Manifest with
        {
            PrecisionDetails = Manifest.PrecisionDetails.Where(p => p.Key != precision).ToDictionary(StringComparer.Ordinal),
        };
    }
}
