namespace DistillOnnx.Teacher;

/// <summary>The teacher did not answer.</summary>
/// <param name="fault">How far it reaches.</param>
/// <param name="message">One line.</param>
/// <param name="retryAfter">How long the endpoint asks to wait; null where it gives no time.</param>
/// <param name="inner">The fault below.</param>
public sealed class TeacherException(TeacherFault fault, string message, TimeSpan? retryAfter = null, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>How far it reaches.</summary>
    public TeacherFault Fault { get; } = fault;

    /// <summary>Whether it may pass.</summary>
    public bool MayPass => Fault is TeacherFault.Transient or TeacherFault.Throttled or TeacherFault.Unreachable;

    /// <summary>Whether it is one of this request alone, and other rows can continue.</summary>
    public bool OfRequest => Fault is TeacherFault.Request or TeacherFault.Refused;

    /// <summary>How long the endpoint asks to wait; null where it gives no time.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
