namespace DistillOnnx.Export.Weights;

/// <summary>Bounds of a feed-forward layer.</summary>
/// <param name="Fits">Whether the layer can be computed in half precision.</param>
/// <param name="Inner">The inner values are held as 2^−this of the true ones.</param>
/// <param name="Output">Bound of the true output.</param>
internal readonly record struct FeedForwardRange(bool Fits, int Inner, double Output);
