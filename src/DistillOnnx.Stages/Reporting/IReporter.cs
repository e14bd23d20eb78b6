namespace DistillOnnx.Stages.Reporting;

/// <summary>Where a stage tells how far it is. What becomes of it (a bar, plain lines, nothing) is the caller's.</summary>
public interface IReporter
{
    /// <summary>Says how far a stage is. May be called often: the receiver thins it out and works out rate and time left.</summary>
    /// <param name="stage">What is going on, the same words each time, for instance <c>train</c>.</param>
    /// <param name="done">Units done.</param>
    /// <param name="total">Units in all; null where that is not known.</param>
    /// <param name="detail">What else is worth watching, for instance losses; may change each time.</param>
    void Progress(string stage, long done, long? total, string? detail = null);

    /// <summary>Says something once.</summary>
    /// <param name="message">One line.</param>
    void Info(string message);

    /// <summary>Says what a user should know before trusting the result.</summary>
    /// <param name="message">One line.</param>
    void Warn(string message);
}
