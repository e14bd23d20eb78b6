namespace DistillOnnx.Hosting.Batching;

/// <summary>The limits of batches as an operator states them: 0 leaves a limit to the device.</summary>
internal sealed record BatchLimits
{
    /// <summary>Most rows that may wait.</summary>
    public required int QueueRows { get; init; }

    /// <summary>Most rows of a batch.</summary>
    public int Rows { get; init; }

    /// <summary>Most tokens of a batch, padding counted.</summary>
    public int Tokens { get; init; }

    /// <summary>How long a batch that is not full waits.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>Batches that run at the same time.</summary>
    public int Lanes { get; init; }

    /// <summary>Threads that one operator may use.</summary>
    public int Threads { get; init; }
}
