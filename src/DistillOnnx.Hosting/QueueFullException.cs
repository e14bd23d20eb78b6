namespace DistillOnnx.Hosting;

/// <summary>A call was not taken: as many rows wait as may, or the program is stopping. Nothing was run for it.</summary>
public sealed class QueueFullException : Exception
{
    internal QueueFullException(string message, TimeSpan retryAfter, Exception inner)
        : base(message, inner) => RetryAfter = retryAfter;

    /// <summary>About how long what waits will take; zero where it is not known.</summary>
    public TimeSpan RetryAfter { get; }
}
