using DistillOnnx.Runtime.Prediction;

namespace DistillOnnx.Runtime.Labels;

/// <summary>Gives every label of a closed set its log-probability: that of decoding constrained to the set.</summary>
public interface ILabelScorer
{
    /// <summary>Scores rows in one run, padded to the longest.</summary>
    /// <param name="rows">At least one input.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <returns>For each row, natural log-probabilities in the order of the label set or of the row's choices.</returns>
    IReadOnlyList<double[]> Score(IReadOnlyList<EncodedInput> rows, CancellationToken cancellationToken = default);
}
