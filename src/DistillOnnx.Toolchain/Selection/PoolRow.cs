using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>A row of a pool.</summary>
/// <param name="Position">Its place in the pool, from 0, repeated rows counted.</param>
/// <param name="Example">The row.</param>
/// <param name="Tie">A number drawn by the seed from its input.</param>
internal readonly record struct PoolRow(long Position, Example Example, UInt128 Tie);
