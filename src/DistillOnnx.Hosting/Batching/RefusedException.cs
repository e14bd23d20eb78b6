namespace DistillOnnx.Hosting.Batching;

/// <summary>A call was refused at once, before any work was spent on it.</summary>
internal sealed class RefusedException(RefusalReason reason, TimeSpan retryAfter) : Exception(reason switch
{
    RefusalReason.QueueFull => "the queue is full",
    RefusalReason.CallerShare => "the caller's share of the queue is full",
    RefusalReason.WouldMissDeadline => "the queue is longer than the call's deadline allows",
    RefusalReason.DeadlinePassed => "the deadline has passed",
    RefusalReason.DeadlineTooShort => "the deadline is shorter than the call takes with nothing ahead of it",
    RefusalReason.RationaleQueueFull => "the queue for rationales is full",
    _ => "shutting down",
})
{
    public RefusalReason Reason { get; } = reason;

    /// <summary>When another attempt is worth while.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
