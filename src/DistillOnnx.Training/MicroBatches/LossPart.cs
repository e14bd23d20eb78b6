namespace DistillOnnx.Training.MicroBatches;

/// <summary>Which of the two losses a sequence counts towards.</summary>
internal enum LossPart
{
    /// <summary>The label given the input, weighted α.</summary>
    Label,

    /// <summary>The rationale given the input, weighted 1 − α.</summary>
    Rationale,
}
