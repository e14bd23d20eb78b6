namespace DistillOnnx.Hosting.Batching;

/// <summary>How many callers may run their own calls at a time.</summary>
/// <param name="most">The most.</param>
internal sealed class CallerRuns(int most)
{
    private int _now;

    /// <summary>
    /// Those of all models of the process: at least half of the threads that bring calls, of which there is one for each core, stay free
    /// for others.
    /// </summary>
    public static CallerRuns OfProcess { get; } = new(Environment.ProcessorCount / 2);

    /// <summary>Takes a place, if there is one.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _now) <= most) return true;
        Interlocked.Decrement(ref _now);
        return false;
    }

    /// <summary>Gives the place back.</summary>
    public void Exit() => Interlocked.Decrement(ref _now);
}
