namespace DistillOnnx.Teacher;

/// <summary>How far a fault of the teacher reaches.</summary>
public enum TeacherFault
{
    /// <summary>It may pass: too many requests, a server's error, a time-out, an answer that is cut.</summary>
    Transient,

    /// <summary>No connection; it may pass, but where it does not, no row can go on.</summary>
    Unreachable,

    /// <summary>This request cannot be answered: refused by a content filter, or longer than the model reads. Others can.</summary>
    Request,

    /// <summary>No request can be answered: wrong key, unknown model, nothing left to spend.</summary>
    Fatal,
}
