namespace DistillOnnx.Hosting.Batching;

/// <summary>
/// Chooses what runs next, and how wide. Where there is work for every lane, each takes a batch of its own: threads that
/// share a batch wait for one another at every operator, and all of them whenever one is held up. Where there is less, one
/// batch has all threads and is done soonest. Not safe for several threads: its owner locks.
/// </summary>
internal sealed class BatchFormer(FairQueue queue, BatchOptions options, ServiceRate rate, TimeProvider time)
{
    /// <summary>Chooses a batch; the queue must not be empty, and keeps its rows.</summary>
    /// <param name="besideOthers">Whether batches run already, on other lanes.</param>
    public Batch Form(bool besideOthers)
    {
        var (order, urgent) = Order(queue.Peek(options.Lookahead));
        var lengths = order.ConvertAll(e => e.Row.Tokens).ToArray();
        Batch Plan(int maxTokens, bool sideBySide) =>
            new([.. BatchPlanner.Plan(lengths, options, maxTokens, urgent).Select(i => order[i])], sideBySide);

        if (!options.SideBySide) return Plan(options.MaxTokens, sideBySide: false);
        var narrow = Plan(options.LaneTokens, sideBySide: true);
        var enough = queue.Tokens - narrow.Tokens >= (options.Lanes - 1) * (long)options.LaneTokens;
        return besideOthers || enough ? narrow : Plan(options.MaxTokens, sideBySide: false);
    }

    /// <summary>
    /// Rows are overtaken by others of a better length as long as there is time. Once a batch of others would make one late,
    /// all rows that are due as early are urgent: they come first, the most urgent at the head.
    /// </summary>
    private (List<BatchEntry> Order, int Urgent) Order(List<BatchEntry> waiting)
    {
        List<BatchEntry> due = [.. waiting.Where(e => e.Call.Deadline is not null).OrderBy(e => e.Call.Deadline)];
        var now = time.GetUtcNow();
        var urgent = 0;
        long tokens = options.TokensAtOnce;
        for (var i = 0; i < due.Count; i++)
        {
            tokens += due[i].Row.Tokens;
            if (due[i].Call.Deadline <= now + rate.PromiseFor(tokens)) urgent = i + 1;
        }

        if (urgent == 0) return (waiting, 0);
        var first = due[..urgent];
        return ([.. first, .. waiting.Except(first)], urgent);
    }
}
