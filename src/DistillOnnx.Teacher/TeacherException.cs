using Microsoft.Extensions.AI;

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

    /// <summary>What an answer that could not be read was charged at; null where nothing is known of it.</summary>
    internal UsageDetails? Usage { get; init; }

    /// <summary>Whether an answer came, most likely paid, that has another form than the protocol's.</summary>
    internal bool Unreadable { get; init; }

    /// <summary>What was written where no row was kept; null for every other fault.</summary>
    internal AnnotateResult? Result { get; init; }

    /// <summary>Whether it stands for answers that came, all of them unusable: they are in the journal.</summary>
    internal bool Unusable { get; init; }

    /// <summary>Whether the request was repeated until its turn was over, which says nothing about the request itself.</summary>
    internal bool GivenUp => Fault == TeacherFault.Request && InnerException is TeacherException { MayPass: true };

    /// <summary>How long the endpoint asks to wait; null where it gives no time.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
