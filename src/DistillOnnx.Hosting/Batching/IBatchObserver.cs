namespace DistillOnnx.Hosting.Batching;

/// <summary>Told what a batcher does, for metrics.</summary>
internal interface IBatchObserver
{
    /// <summary>A batch ran.</summary>
    void Ran(BatchReport report);

    /// <summary>A call was refused.</summary>
    void Refused(RefusalReason reason);

    /// <summary>Rows were dropped before they ran, because nobody waits for them any more.</summary>
    void Abandoned(int rows);
}
