namespace DistillOnnx.Training.Trainer;

/// <summary>What a student is taught, and how.</summary>
public enum TrainingMethod
{
    /// <summary>
    /// Two tasks: the label of <c>predict: x</c> and the rationale of <c>explain: x</c> (Hsieh et al. 2023, arXiv:2305.02301).
    /// </summary>
    StepByStep,

    /// <summary>The label alone, without prefixes.</summary>
    Standard,

    /// <summary>
    /// The paper's ablation: label and rationale in one target. The label comes first and ends with the end token, so that predicting
    /// needs no rationale.
    /// </summary>
    SingleTask,
}
