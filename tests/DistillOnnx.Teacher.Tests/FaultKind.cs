namespace DistillOnnx.Teacher.Tests;

/// <summary>What an endpoint does instead of answering.</summary>
internal enum FaultKind
{
    None,
    TooMany,
    TooManyWithRetryAfter,
    ServerError,
    Reset,
    Stall,
    TruncatedJson,
    WrongSchema,
}
