namespace DistillOnnx.Training.Schedules;

/// <summary>Learning rates where none is named.</summary>
internal static class DefaultRate
{
    /// <summary>The highest learning rate of a run.</summary>
    /// <param name="fromScratch">Whether the student has seen nothing yet.</param>
    /// <param name="scaled">Whether the rate is a share of each parameter's size.</param>
    public static double Of(bool fromScratch, bool scaled) => (fromScratch, scaled) switch
    {
        // T5's own, in pretraining and in fine-tuning (Raffel et al. 2020, sections 3.1.2 and 3.1.3).
        (true, true) => 1e-2,
        (false, true) => 1e-3,
        // What others train and fine-tune T5 with where a step is the same size for every weight.
        (true, false) => 1e-3,
        (false, false) => 5e-5,
    };
}
