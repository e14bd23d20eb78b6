using DistillOnnx.Teacher.Limits;

namespace DistillOnnx.Teacher.Tests;

public class LimitsTests
{
    [Fact]
    public void TryReserve_ConcurrentRequests_NeverOverdraws()
    {
        var budget = new Budget(null, 1000, null, 100, 0);
        var reserved = 0;
        Parallel.For(0, 1000, _ =>
        {
            if (budget.TryReserve(5, 10)) Interlocked.Add(ref reserved, 15);
        });
        Assert.Equal(900, reserved);
        Assert.False(budget.TryReserve(1, 0));
        budget.Settle(5, 10, 2, 3);
        Assert.True(budget.TryReserve(10, 0));
        Assert.False(budget.TryReserve(1, 0));
    }

    [Fact]
    public void TryReserve_Money_CountsBothPrices()
    {
        var budget = new Budget(1.0, null, new PriceTable(2, 10), 0, 0);
        Assert.True(budget.TryReserve(0, 50_000));
        Assert.True(budget.TryReserve(250_000, 0));
        Assert.False(budget.TryReserve(1, 0));
    }

    [Fact]
    public async Task AcquireAsync_Rate_SpacesRequestsByTheClockAlone()
    {
        var clock = new ManualClock();
        var limiter = new RateLimiter(60, null, clock);
        for (var i = 0; i < 2; i++) await limiter.AcquireAsync(1, TestContext.Current.CancellationToken);
        var third = limiter.AcquireAsync(1, TestContext.Current.CancellationToken);
        Assert.False(third.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.5));
        Assert.False(third.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.6));
        await third.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task AcquireAsync_TokensAndPause_HoldBack()
    {
        var clock = new ManualClock();
        var limiter = new RateLimiter(null, 6000, clock);
        await limiter.AcquireAsync(300, TestContext.Current.CancellationToken);
        limiter.Correct(100);
        limiter.Pause(TimeSpan.FromSeconds(1));
        var next = limiter.AcquireAsync(1, TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(next.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.2));
        await next.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Find_ShippedTable_KnowsModelsAndMissesOthers()
    {
        Assert.Equal(0.75, PriceTable.Find("gpt-4o-mini", null)!.Cost(1_000_000, 1_000_000), 9);
        Assert.Null(PriceTable.Find("some-model", null));
    }
}
