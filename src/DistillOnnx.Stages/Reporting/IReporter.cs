namespace DistillOnnx.Stages.Reporting;

/// <summary>Receives a stage's progress and messages. The caller decides how to show them: a bar, plain lines or not at all.</summary>
public interface IReporter
{
    /// <summary>Reports a stage's progress. May be called often: the receiver limits the output and computes rate and time left.</summary>
    /// <param name="stage">Name of the stage, the same each time, for instance <c>train</c>.</param>
    /// <param name="done">Units done.</param>
    /// <param name="total">Units in all; null where that is not known.</param>
    /// <param name="detail">What else is worth watching, for instance losses; may change each time.</param>
    void Progress(string stage, long done, long? total, string? detail = null);

    /// <summary>Reports a message.</summary>
    /// <param name="message">One line.</param>
    void Info(string message);

    /// <summary>Reports a warning about the result.</summary>
    /// <param name="message">One line.</param>
    void Warn(string message);
}
