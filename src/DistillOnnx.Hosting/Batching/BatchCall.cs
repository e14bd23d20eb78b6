namespace DistillOnnx.Hosting.Batching;

/// <summary>The rows that one call waits for. They may run in different batches.</summary>
internal sealed class BatchCall
{
    private readonly TaskCompletionSource<RowAnswer[]> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RowAnswer[] _answers;
    private int _remaining;

    /// <param name="rows">The rows, at least one.</param>
    /// <param name="caller">Whose turn they take; calls of one caller share it.</param>
    /// <param name="deadline">When the caller stops waiting, in UTC; null: never.</param>
    /// <param name="token">Fires when the caller is gone.</param>
    public BatchCall(IReadOnlyList<EncodedRow> rows, string caller, DateTimeOffset? deadline, CancellationToken token)
    {
        Caller = caller;
        Deadline = deadline;
        Token = token;
        _answers = new RowAnswer[rows.Count];
        _remaining = rows.Count;
        Entries = [.. rows.Select((row, i) => new BatchEntry(this, i, row))];
    }

    public string Caller { get; }

    public DateTimeOffset? Deadline { get; }

    public CancellationToken Token { get; }

    /// <summary>
    /// Whether the thread that brings the call may run it, and so wait for it: where nothing else is to be done, that saves waking a thread
    /// that runs it and another that answers.
    /// </summary>
    public bool RunsOnCaller { get; init; }

    public IReadOnlyList<BatchEntry> Entries { get; }

    /// <summary>All answers, in the order of the rows. Cancelled or failed where the call as a whole was given up.</summary>
    public Task<RowAnswer[]> Done => _done.Task;

    /// <summary>Whether anybody still waits for the answers.</summary>
    public bool IsAbandoned(DateTimeOffset now) => Done.IsCompleted || Token.IsCancellationRequested || now >= Deadline;

    /// <summary>Answers one row; the last one completes the call.</summary>
    public void Answer(int index, RowAnswer answer)
    {
        // A run stops when its last caller leaves, and may end before the call itself is told of that.
        if (answer.Fault is OperationCanceledException && Token.IsCancellationRequested)
        {
            Fail(new OperationCanceledException(Token));
            return;
        }

        _answers[index] = answer;
        if (Interlocked.Decrement(ref _remaining) == 0) _done.TrySetResult(_answers);
    }

    /// <summary>Gives the whole call up.</summary>
    public void Fail(Exception reason) => _done.TrySetException(reason);
}
