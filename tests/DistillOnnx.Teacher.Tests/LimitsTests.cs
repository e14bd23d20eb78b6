using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Limits;

namespace DistillOnnx.Teacher.Tests;

public class LimitsTests
{
    [Fact]
    public void Doubt_PricesOfLongAgo_AreSaid()
    {
        Assert.Contains("2025-06-01", PriceTable.Doubt(null, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)));
        Assert.Null(PriceTable.Doubt(null, new DateTimeOffset(2025, 7, 1, 0, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void TryReserve_ConcurrentRequests_NeverOverdraws()
    {
        var budget = new Budget(null, 1000, null, 0, 100);
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
    public void TryReserve_BatchJobs_CostTheirShareAndWhatIsSpentCounts()
    {
        var budget = new Budget(1.5, null, new PriceTable(2, 10, Batch: 0.5), 1.0, 0, batch: true);
        Assert.True(budget.TryReserve(0, 100_000));
        Assert.False(budget.TryReserve(1, 0));
    }

    [Fact]
    public void Cost_SeveralModels_SumsThemAndNamesTheUnknown()
    {
        var totals = new Dictionary<string, JournalTotal>
        {
            ["gpt-4o-mini"] = new(2, 2_000_000, 0, 1_000_000, 0),
            ["rules"] = new(5, 9, 9, 0, 0),
        };
        Assert.Equal(0.15 * 1.5, Ledger.Cost(totals, null)!.Value, 9);
        Assert.Null(Ledger.Unknown(totals, null));
        totals["mine"] = new(1, 1, 1, 0, 0);
        Assert.Null(Ledger.Cost(totals, null));
        Assert.Equal("mine", Ledger.Unknown(totals, null));
    }

    [Theory]
    [InlineData(false, 40, 5)]
    [InlineData(true, 40, 5)]
    [InlineData(false, 40, 40)]
    [InlineData(true, 40, 40)]
    [InlineData(false, 200, 20)]
    [InlineData(true, 200, 20)]
    public void Take_EndpointThatTurnsAway_FindsTheAllowedRate(bool retryAfter, int perSecond, int burst)
    {
        // 64 who send as soon as they may; an answer takes 50 ms, and a rejected request comes again after a second.
        var clock = new ManualClock();
        var limiter = new RateLimiter(null, null, clock);
        var gate = new RateGate(perSecond, burst, retryAfter, clock);
        var row = new PriorityQueue<(DateTimeOffset At, int Holds)?, DateTimeOffset>();
        void Take()
        {
            var slot = limiter.Take(1);
            row.Enqueue(slot, slot.At > clock.GetUtcNow() ? slot.At : clock.GetUtcNow());
        }

        for (var i = 0; i < 64; i++) Take();
        var start = clock.GetUtcNow();
        foreach (var (until, share) in ((int, double)[])[(30, 0.93), (90, 0.95)])
        {
            var (begin, answered, sent) = (clock.GetUtcNow(), 0, 0);
            while (row.TryPeek(out var slot, out var at) && at < start + TimeSpan.FromSeconds(until))
            {
                row.Dequeue();
                if (at > clock.GetUtcNow()) clock.Advance(at - clock.GetUtcNow());
                if (slot is not { } place)
                {
                    answered++;
                    limiter.Answered();
                    Take();
                    continue;
                }

                if (place.At == DateTimeOffset.MaxValue || !limiter.Begin(place))
                {
                    Take();
                    continue;
                }

                sent++;
                if (gate.TryEnter(out var comeBack))
                {
                    row.Enqueue(null, at + TimeSpan.FromMilliseconds(50));
                    continue;
                }

                limiter.TurnedAway(retryAfter ? TimeSpan.FromSeconds(comeBack) : null);
                row.Enqueue((DateTimeOffset.MaxValue, 0), at + TimeSpan.FromSeconds(1));
            }

            var allowed = (clock.GetUtcNow() - begin).TotalSeconds * perSecond;
            Assert.InRange(answered, share * allowed, allowed + burst);
            Assert.InRange(sent, answered, 1.5 * answered + 64);
        }
    }

    [Fact]
    public async Task GetResponseAsync_NeverReached_GivesUpSoonAsWronglyNamed()
    {
        var teacher = new FaultyTeacher(_ => new TeacherException(TeacherFault.Unreachable, "no connection"));
        using var client = new RetryingChatClient(teacher, 10, TimeSpan.Zero, 0, TimeProvider.System);
        var fault = await Assert.ThrowsAsync<TeacherException>(() =>
            client.GetResponseAsync([], null, TestContext.Current.CancellationToken));
        Assert.Equal((TeacherFault.Setup, 3), (fault.Fault, teacher.Calls));
    }

    [Fact]
    public async Task GetResponseAsync_ReachedBefore_IsPatientAndThenEndsTheRun()
    {
        var teacher = new FaultyTeacher(call => new TeacherException(
            call == 1 ? TeacherFault.Transient : TeacherFault.Unreachable, "gone"));
        using var client = new RetryingChatClient(teacher, 10, TimeSpan.Zero, 0, TimeProvider.System);
        var fault = await Assert.ThrowsAsync<TeacherException>(() =>
            client.GetResponseAsync([], null, TestContext.Current.CancellationToken));
        Assert.Equal((TeacherFault.Fatal, 11), (fault.Fault, teacher.Calls));
    }

    [Fact]
    public void Find_ShippedTable_KnowsModelsAndMissesOthers()
    {
        Assert.Equal(0.75, PriceTable.Find("gpt-4o-mini", null)!.Cost(1_000_000, 1_000_000), 9);
        Assert.Null(PriceTable.Find("some-model", null));
    }
}
