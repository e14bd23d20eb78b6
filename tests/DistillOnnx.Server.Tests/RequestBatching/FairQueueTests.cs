using DistillOnnx.Hosting.Batching;

namespace DistillOnnx.Server.Tests.RequestBatching;

public sealed class FairQueueTests
{
    [Fact]
    public void Peek_OneHugeAndManySmallCallers_SmallOnesGoFirst()
    {
        var queue = new FairQueue(1000);
        queue.Add(Call("huge", 500, 10));
        for (var i = 0; i < 10; i++) queue.Add(Call($"small {i}", 1, 10));

        var first = queue.Peek(12).Select(e => e.Call.Caller).ToList();

        Assert.Equal(10, first.Count(c => c.StartsWith("small", StringComparison.Ordinal)));
    }

    [Fact]
    public void Peek_TwoBusyCallersOfUnequalRows_GetEqualTokens()
    {
        var queue = new FairQueue(1000);
        queue.Add(Call("long", 50, 40));
        queue.Add(Call("short", 200, 10));

        var served = queue.Peek(100).GroupBy(e => e.Call.Caller).ToDictionary(g => g.Key, g => g.Sum(e => e.Row.Tokens));

        Assert.InRange(served["long"] - served["short"], -50, 50);
    }

    [Fact]
    public void Refuses_CallerThatHoldsItsShare_WhileAnotherStillGetsIn()
    {
        var queue = new FairQueue(100);
        queue.Add(Call("huge", 70, 10));

        Assert.Equal(RefusalReason.CallerShare, queue.Refuses("huge", 20));
        Assert.Null(queue.Refuses("small", 20));
        Assert.Equal(RefusalReason.QueueFull, queue.Refuses("small", 31));
    }

    [Fact]
    public void Refuses_OneCallerAlone_MayFillTheQueue()
    {
        var queue = new FairQueue(100, oneCaller: true);
        queue.Add(Call("", 70, 10));

        Assert.Null(queue.Refuses("", 30));
        Assert.Equal(RefusalReason.QueueFull, queue.Refuses("", 31));
    }

    [Fact]
    public void TokensUntilServed_BehindAHugeCaller_CountsOnlyWhatGoesFirst()
    {
        var queue = new FairQueue(1000);
        queue.Add(Call("huge", 100, 10));

        Assert.Equal(1000 + 10, queue.TokensUntilServed("huge", 10));
        Assert.Equal(10 + 10, queue.TokensUntilServed("small", 10));
    }

    [Fact]
    public void RemoveAbandoned_PastDeadlineOrCancelled_TakesOutExactlyThose()
    {
        var queue = new FairQueue(100);
        var now = DateTimeOffset.UnixEpoch;
        queue.Add(new BatchCall([Row(5)], "late", now, CancellationToken.None));
        queue.Add(new BatchCall([Row(5)], "gone", null, new CancellationToken(canceled: true)));
        queue.Add(new BatchCall([Row(5)], "waits", now.AddSeconds(1), CancellationToken.None));

        var gone = queue.RemoveAbandoned(now);

        Assert.Equal(["late", "gone"], gone.Select(e => e.Call.Caller));
        Assert.Equal((1, 5), (queue.Count, queue.Tokens));
    }

    private static BatchCall Call(string caller, int rows, int tokens) =>
        new([.. Enumerable.Repeat(Row(tokens), rows)], caller, null, CancellationToken.None);

    private static EncodedRow Row(int tokens) => new(tokens, "");
}
