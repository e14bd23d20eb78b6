namespace DistillOnnx.Hosting.Batching;

/// <summary>A row in the queue.</summary>
internal sealed class BatchEntry(BatchCall call, int index, EncodedRow row)
{
    public BatchCall Call { get; } = call;

    /// <summary>Position among the call's rows.</summary>
    public int Index { get; } = index;

    public EncodedRow Row { get; } = row;

    /// <summary>When its turn is, in the queue's virtual time: tokens served so far, were all callers served alike.</summary>
    public double Turn { get; set; }

    /// <summary>Orders entries whose turn is the same.</summary>
    public long Sequence { get; set; }

    /// <summary>When it was enqueued, as the clock's timestamp.</summary>
    public long EnqueuedAt { get; set; }
}
