namespace DistillOnnx.Training.Trainer;

/// <summary>
/// Makes what a step needs while the step before it is computed: texts are tokenised and batches cut on another thread, one step ahead, and
/// never two at once.
/// </summary>
/// <typeparam name="T">What a step needs.</typeparam>
/// <param name="make">Makes it, as a function of the step alone.</param>
internal sealed class StepAhead<T>(Func<int, T> make) : IDisposable
{
    private (int Step, Task<T> Task)? _next;

    /// <summary>What a step needs; begins with that of the next.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="last">Whether no other step follows.</param>
    public T Of(int step, bool last)
    {
        var made = _next is { } next && next.Step == step ? next.Task.GetAwaiter().GetResult() : Make(step);
        _next = last ? null : (step + 1, Task.Run(() => make(step + 1)));
        return made;
    }

    /// <summary>Waits for what was begun, since it reads what its maker's owner will close.</summary>
    public void Dispose()
    {
        Finish();
        _next = null;
    }

    private T Make(int step)
    {
        Finish();
        return make(step);
    }

    /// <summary>A step that is not run does not fail either.</summary>
    private void Finish()
    {
        if (_next is { } next) ((IAsyncResult)next.Task).AsyncWaitHandle.WaitOne();
    }
}
