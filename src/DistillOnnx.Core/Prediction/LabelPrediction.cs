namespace DistillOnnx.Core.Prediction;

/// <summary>What a student answers to one input.</summary>
public sealed record LabelPrediction
{
    /// <summary>The answer: the most probable label of a closed set, or the decoded text of an open one.</summary>
    public required string Label { get; init; }

    /// <summary>Calibrated probability of <see cref="Label"/>; null where the task is open.</summary>
    public double? Probability { get; init; }

    /// <summary>
    /// Calibrated probabilities in the order of the label set or of the input's choices; they sum to 1. Null where the task is open.
    /// </summary>
    public IReadOnlyList<double>? Probabilities { get; init; }

    /// <summary>Natural logarithms of the probabilities before calibration, in the same order. Null where the task is open.</summary>
    public IReadOnlyList<double>? RawLogProbabilities { get; init; }

    /// <summary>Whether the probability fell below the threshold under which the model abstains.</summary>
    public bool Abstained { get; init; }

    /// <summary>Whether the input was cut to the longest length that the model takes.</summary>
    public bool Truncated { get; init; }

    /// <summary>Whether the text of an open task was cut to the task's <see cref="Tasks.TaskSpec.MaxLabelTokens"/>.</summary>
    public bool AnswerTruncated { get; init; }

    /// <summary>Input length in tokens, after truncation, prefix and end token included.</summary>
    public int InputTokens { get; init; }
}
