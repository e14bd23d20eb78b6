namespace DistillOnnx.Training.Schedules;

/// <summary>
/// The learning rate of each step: a straight rise over the warm-up, then the chosen shape. It has no state, so a resumed run continues
/// it exactly.
/// </summary>
/// <param name="Kind">The shape after the warm-up.</param>
/// <param name="Peak">Learning rate at the end of the warm-up.</param>
/// <param name="WarmupSteps">Steps of the warm-up; may be 0.</param>
/// <param name="TotalSteps">Steps in all.</param>
internal sealed record Schedule(ScheduleKind Kind, double Peak, int WarmupSteps, int TotalSteps)
{
    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">From 0.</param>
    /// <returns>Above 0 for every step from 0 to <see cref="TotalSteps"/> − 1; the first step of a warm-up takes 1/<see
    /// cref="WarmupSteps"/> of the peak.</returns>
    public double At(int step)
    {
        if (step < WarmupSteps) return Peak * (step + 1) / WarmupSteps;
        var done = TotalSteps <= WarmupSteps ? 0 : Math.Min(1, (double)(step - WarmupSteps) / (TotalSteps - WarmupSteps));
        return Kind switch
        {
            ScheduleKind.Linear => Peak * (1 - done),
            ScheduleKind.Cosine => Peak * 0.5 * (1 + Math.Cos(Math.PI * done)),
            _ => Peak,
        };
    }
}
