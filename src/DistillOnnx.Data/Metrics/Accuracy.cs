using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Data.Metrics;

/// <summary>When a predicted label counts as right.</summary>
public static class Accuracy
{
    /// <summary>How far two values may lie apart and still be the same, relative to the larger (at least to 1).</summary>
    public const double Tolerance = 1e-9;

    /// <summary>Whether a prediction is right.</summary>
    /// <param name="metric">How to compare.</param>
    /// <param name="predicted">The predicted label.</param>
    /// <param name="gold">The gold label.</param>
    /// <remarks>
    /// Equations are compared by value, so <c>(7 * 30)</c> answers <c>( 7.0 * 30.0 )</c>. One that has no value is wrong
    /// unless it is the gold label to the letter.
    /// </remarks>
    public static bool IsCorrect(TaskMetric metric, string predicted, string gold)
    {
        var same = predicted.AsSpan().Trim().SequenceEqual(gold.AsSpan().Trim());
        if (same || metric == TaskMetric.Text) return same;
        return Arithmetic.TryEvaluate(predicted, out var left) && Arithmetic.TryEvaluate(gold, out var right)
            && Math.Abs(left - right) <= Tolerance * Math.Max(1, Math.Max(Math.Abs(left), Math.Abs(right)));
    }
}
