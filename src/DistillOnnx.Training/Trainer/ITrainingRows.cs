using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Trainer;

/// <summary>The rows of each step, as a function of the step alone.</summary>
internal interface ITrainingRows
{
    /// <summary>The rows of a step.</summary>
    /// <param name="step">From 0.</param>
    IReadOnlyList<TrainingRow> Rows(int step);
}
