namespace DistillOnnx.Training.Schedules;

/// <summary>How the learning rate moves after its warm-up.</summary>
public enum ScheduleKind
{
    /// <summary>Falls in a straight line to zero at the last step.</summary>
    Linear,

    /// <summary>Stays.</summary>
    Constant,

    /// <summary>Falls along half a cosine to zero at the last step.</summary>
    Cosine,
}
