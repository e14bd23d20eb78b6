namespace DistillOnnx.Hosting.Batching;

/// <summary>Why a call was not taken.</summary>
internal enum RefusalReason
{
    /// <summary>The queue has no room for its rows.</summary>
    QueueFull,

    /// <summary>The caller holds its share of the queue already.</summary>
    CallerShare,

    /// <summary>Its turn would come after its deadline.</summary>
    WouldMissDeadline,

    /// <summary>Its deadline has passed.</summary>
    DeadlinePassed,

    /// <summary>Nothing is ahead of it, and yet it would take longer than its deadline allows.</summary>
    DeadlineTooShort,

    /// <summary>As many inputs wait for a rationale as may.</summary>
    RationaleQueueFull,

    /// <summary>The model or the server is shutting down.</summary>
    Draining,
}
