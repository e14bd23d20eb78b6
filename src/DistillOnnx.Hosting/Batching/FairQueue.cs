namespace DistillOnnx.Hosting.Batching;

/// <summary>
/// A bounded queue in which callers take turns by tokens, not by calls (start-time fair queueing: Goyal, Vin and Cheng,
/// 1996). A row's turn is where its caller's last row ended, or the present turn if that is later; so a caller with one row
/// goes before the rest of a caller with a thousand. Not safe for several threads: its owner locks.
/// </summary>
/// <param name="capacity">Most rows that may wait.</param>
/// <param name="oneCaller">Whether all calls are one caller's, who may fill the queue.</param>
internal sealed class FairQueue(int capacity, bool oneCaller = false)
{
    // A caller may hold this many times the room that it leaves: alone, three quarters of the queue.
    private const int ShareOfFree = 3;

    private readonly SortedSet<BatchEntry> _entries = new(Comparer<BatchEntry>.Create(
        (a, b) => a.Turn != b.Turn ? a.Turn.CompareTo(b.Turn) : a.Sequence.CompareTo(b.Sequence)));

    private readonly Dictionary<string, Caller> _callers = new(StringComparer.Ordinal);
    private double _now;
    private long _sequence;

    /// <summary>Rows that wait.</summary>
    public int Count => _entries.Count;

    /// <summary>Tokens that wait.</summary>
    public long Tokens { get; private set; }

    /// <summary>Callers whose rows wait.</summary>
    public int Callers => _callers.Count(c => c.Value.Rows > 0);

    /// <summary>Why a call cannot be taken; null: it can.</summary>
    public RefusalReason? Refuses(string caller, int rows)
    {
        var free = capacity - Count - rows;
        if (free < 0) return RefusalReason.QueueFull;
        if (oneCaller) return null;
        var held = _callers.TryGetValue(caller, out var known) ? known.Rows : 0;
        return held > 0 && held + rows > ShareOfFree * free ? RefusalReason.CallerShare : null;
    }

    /// <summary>Tokens that would be served before a call of so many tokens has been.</summary>
    public long TokensUntilServed(string caller, long tokens)
    {
        var end = StartOf(caller) + tokens;
        long ahead = tokens;
        foreach (var entry in _entries)
        {
            if (entry.Turn >= end) break;
            ahead += entry.Row.Tokens;
        }

        return ahead;
    }

    /// <summary>Takes a call's rows.</summary>
    public void Add(BatchCall call)
    {
        if (!_callers.TryGetValue(call.Caller, out var caller)) _callers[call.Caller] = caller = new Caller();
        foreach (var entry in call.Entries)
        {
            entry.Turn = Math.Max(_now, caller.End);
            entry.Sequence = _sequence++;
            caller.End = entry.Turn + entry.Row.Tokens;
            caller.Rows++;
            Tokens += entry.Row.Tokens;
            _entries.Add(entry);
        }
    }

    /// <summary>Takes a row out. False: it was not in.</summary>
    public bool Remove(BatchEntry entry)
    {
        if (!_entries.Remove(entry)) return false;
        Tokens -= entry.Row.Tokens;
        _callers[entry.Call.Caller].Rows--;
        if (_entries.Count == 0) Forget();
        return true;
    }

    /// <summary>The first rows in the order of their turns.</summary>
    public List<BatchEntry> Peek(int rows) => [.. _entries.Take(rows)];

    /// <summary>Takes out all rows of calls that nobody waits for.</summary>
    public List<BatchEntry> RemoveAbandoned(DateTimeOffset now)
    {
        List<BatchEntry> gone = [.. _entries.Where(e => e.Call.IsAbandoned(now))];
        foreach (var entry in gone) Remove(entry);
        return gone;
    }

    /// <summary>Takes out the rows of a batch; the present turn moves on to that of the first row in the queue.</summary>
    public void Dispatch(IEnumerable<BatchEntry> batch)
    {
        _now = Math.Max(_now, _entries.Min!.Turn);
        foreach (var entry in batch) Remove(entry);
        if (_callers.Count > 1024 + 2 * Count) ForgetIdle();
    }

    private double StartOf(string caller) => _callers.TryGetValue(caller, out var known) ? Math.Max(_now, known.End) : _now;

    // A caller whose last turn is over is treated like a new one anyway.
    private void ForgetIdle()
    {
        foreach (var (name, caller) in _callers)
        {
            if (caller.Rows == 0 && caller.End <= _now) _callers.Remove(name);
        }
    }

    // The queue is empty, so no caller is ahead of another.
    private void Forget()
    {
        _callers.Clear();
        _now = 0;
    }

    private sealed class Caller
    {
        public double End { get; set; }

        public int Rows { get; set; }
    }
}
