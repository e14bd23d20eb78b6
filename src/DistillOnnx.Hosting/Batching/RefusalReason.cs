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

    /// <summary>As many inputs wait for a rationale as may.</summary>
    RationaleQueueFull,

    /// <summary>The model or the server is shutting down.</summary>
    Draining,
}
