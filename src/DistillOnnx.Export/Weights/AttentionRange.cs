namespace DistillOnnx.Export.Weights;

/// <summary>Bounds of an attention.</summary>
/// <param name="Fits">Whether queries, keys and values are within half precision.</param>
/// <param name="Queries">Queries are held as 2^−this of the true ones, so that scores are within half precision.</param>
/// <param name="Output">Bound of the true output.</param>
internal readonly record struct AttentionRange(bool Fits, int Queries, double Output);
