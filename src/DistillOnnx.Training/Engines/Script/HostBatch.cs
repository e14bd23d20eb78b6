namespace DistillOnnx.Training.Engines.Script;

/// <summary>A micro-batch, still in the program's memory.</summary>
/// <param name="Shape">Its sizes, what fills it up included.</param>
/// <param name="Arrays">The arrays of sources, targets and parts, in the order of <c>step.py</c>.</param>
internal sealed record HostBatch(BatchShape Shape, Upload Arrays);
