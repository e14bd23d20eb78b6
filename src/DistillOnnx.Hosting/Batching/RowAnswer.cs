using DistillOnnx.Core.Prediction;

namespace DistillOnnx.Hosting.Batching;

/// <summary>What became of one row: a prediction or a fault.</summary>
/// <param name="Prediction">The answer; null where the row failed.</param>
/// <param name="Fault">Why there is none.</param>
/// <param name="Queued">Time from entering the queue to the start of its batch.</param>
/// <param name="Inference">Duration of the batch that it was part of.</param>
internal readonly record struct RowAnswer(LabelPrediction? Prediction, Exception? Fault, TimeSpan Queued, TimeSpan Inference);
