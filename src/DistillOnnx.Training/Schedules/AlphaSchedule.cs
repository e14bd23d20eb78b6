namespace DistillOnnx.Training.Schedules;

/// <summary>
/// The weight of the label loss in each step: a straight line from the first step to the last. It has no state, so a resumed run
/// continues it exactly.
/// </summary>
/// <param name="First">At the first step, from 0 to 1.</param>
/// <param name="Last">At the last step, from 0 to 1.</param>
/// <param name="TotalSteps">Steps in all.</param>
internal sealed record AlphaSchedule(double First, double Last, int TotalSteps)
{
    /// <summary>The weight in a step.</summary>
    /// <param name="step">From 0.</param>
    public double At(int step) => TotalSteps < 2 ? First : First + ((Last - First) * Math.Min(1, (double)step / (TotalSteps - 1)));

    /// <summary>The label loss alone.</summary>
    public static AlphaSchedule LabelsAlone { get; } = new(1, 1, 1);
}
