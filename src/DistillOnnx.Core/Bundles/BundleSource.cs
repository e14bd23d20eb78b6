namespace DistillOnnx.Core.Bundles;

/// <summary>What a bundle was made from.</summary>
/// <param name="Checkpoint">The checkpoint directory's name, without the path that led to it.</param>
/// <param name="Weights">Its weight files by name, with lengths and hashes.</param>
/// <param name="Parameters">Number of the model's weights.</param>
public sealed record BundleSource(string Checkpoint, IReadOnlyDictionary<string, BundleFile> Weights, long Parameters);
