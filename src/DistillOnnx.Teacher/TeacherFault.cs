namespace DistillOnnx.Teacher;

/// <summary>How far a fault of the teacher reaches.</summary>
public enum TeacherFault
{
    /// <summary>It may pass: a server's error, a time-out, an answer that is cut.</summary>
    Transient,

    /// <summary>Too many requests: it passes when fewer are sent.</summary>
    Throttled,

    /// <summary>No connection; it may recover; while it does not, no row can continue.</summary>
    Unreachable,

    /// <summary>This request was not answered; others may be.</summary>
    Request,

    /// <summary>This request cannot be answered: refused by a content filter, or longer than the model reads. Others can.</summary>
    Refused,

    /// <summary>No request can be answered, for what the user named is wrong: model or place.</summary>
    Setup,

    /// <summary>No request can be answered any more: no such key, nothing left to spend, or the endpoint is gone.</summary>
    Fatal,
}
