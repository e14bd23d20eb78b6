using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Tests.Fakes;
using Input = DistillOnnx.Core.Prediction.PredictorInput;

namespace DistillOnnx.Server.Tests.RequestBatching;

public sealed class BatcherTests
{
    [Fact]
    public async Task RunAsync_ManyCallers_EachGetsTheAnswerToItsOwnText()
    {
        var predictor = new FakePredictor();
        using var batcher = Start(predictor, new BatchOptions { MaxRows = 8 });

        var answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(async i =>
        {
            await Task.Yield();
            var text = string.Join(' ', Enumerable.Repeat($"w{i}", 1 + i % 50));
            return (text, (await batcher.RunAsync(Call(predictor, $"caller {i % 7}", text)))[0]);
        })).WaitAsync(TestServer.Patience);

        Assert.All(answers, a => Assert.Equal(predictor.Answer(a.text).Probability, a.Item2.Prediction!.Probability));
    }

    [Fact]
    public async Task RunAsync_WhileABatchRuns_NextOnesGatherAndRunTogether()
    {
        using var gate = new Gate();
        var sizes = new List<int>();
        var predictor = new FakePredictor { OnBatch = gate.Hold(texts => sizes.Add(texts.Count)) };
        using var batcher = Start(predictor);
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;

        Task[] others = [.. Enumerable.Range(0, 10).Select(i => batcher.RunAsync(Call(predictor, "a", $"text{i}")))];
        gate.Open();
        await Task.WhenAll([first, .. others]).WaitAsync(TestServer.Patience);

        Assert.Equal([1, 10], sizes);
    }

    [Fact]
    public async Task RunAsync_OnePoisonedRow_FailsAloneAndNeighboursAreAnswered()
    {
        using var gate = new Gate();
        var predictor = new FakePredictor { Poison = "poison", OnBatch = gate.Hold() };
        using var batcher = Start(predictor);
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;

        Task<RowAnswer[]>[] others = [.. new[] { "x", "poison", "y" }.Select(t => batcher.RunAsync(Call(predictor, "a", t)))];
        gate.Open();
        var answers = await Task.WhenAll(others).WaitAsync(TestServer.Patience);
        await first;

        Assert.IsType<InvalidOperationException>(answers[1][0].Fault);
        Assert.Equal(predictor.Answer("x").Label, answers[0][0].Prediction!.Label);
        Assert.Equal(predictor.Answer("y").Label, answers[2][0].Prediction!.Label);
    }

    [Fact]
    public async Task RunAsync_CancelledWhileItWaits_NeverRuns()
    {
        using var gate = new Gate();
        var ran = new List<string>();
        var predictor = new FakePredictor { OnBatch = gate.Hold(texts => ran.AddRange(texts)) };
        using var batcher = Start(predictor);
        using var cancel = new CancellationTokenSource();
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;

        var second = batcher.RunAsync(Call(predictor, "a", "two", token: cancel.Token));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.WaitAsync(TestServer.Patience));
        Assert.Equal(0, batcher.QueuedRows);
        gate.Open();
        await first.WaitAsync(TestServer.Patience);
        await batcher.RunAsync(Call(predictor, "a", "three")).WaitAsync(TestServer.Patience);

        Assert.Equal(["one", "three"], ran);
    }

    [Fact]
    public async Task RunAsync_DeadlinePassedBeforeTheBatchForms_IsDroppedUnrun()
    {
        using var gate = new Gate();
        var time = new ManualTime();
        var ran = new List<string>();
        var predictor = new FakePredictor { OnBatch = gate.Hold(texts => ran.AddRange(texts)) };
        using var batcher = Start(predictor, time: time);
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;

        var second = batcher.RunAsync(Call(predictor, "a", "two", time.GetUtcNow().AddSeconds(1)));
        time.Advance(TimeSpan.FromSeconds(2));
        gate.Open();

        await Assert.ThrowsAsync<TimeoutException>(() => second.WaitAsync(TestServer.Patience));
        await first.WaitAsync(TestServer.Patience);
        Assert.Equal(["one"], ran);
    }

    [Fact]
    public async Task RunAsync_DeadlineNear_IsNotOvertaken()
    {
        var batches = await BatchesAsync(
            new BatchOptions { MaxRows = 1, MaxTokens = 20 }, ("no deadline", null), ("far", 100), ("near", 0.25));

        Assert.Equal([["one"], ["near"], ["no deadline"], ["far"]], batches);
    }

    [Fact]
    public async Task RunAsync_SeveralDeadlinesNear_RunAmongThemselves()
    {
        var batches = await BatchesAsync(
            new BatchOptions { MaxRows = 2, MaxTokens = 40 }, ("never 1", null), ("near 2", 0.5), ("never 3", null), ("near 4", 0.4));

        Assert.Equal([["one"], ["near 2", "near 4"], ["never 1", "never 3"]], batches);
    }

    [Fact]
    public async Task RunAsync_OneDeadlineNear_LeavesTheRestOfItsBatchToOthers()
    {
        var batches = await BatchesAsync(
            new BatchOptions { MaxRows = 3, MaxTokens = 40 }, ("never 1", null), ("near 2", 0.5), ("never 3", null), ("never 4", null));

        Assert.Equal([["one"], ["near 2", "never 1", "never 3"], ["never 4"]], batches);
    }

    [Fact]
    public async Task RunAsync_FullQueue_RefusesAtOnceWithAHint()
    {
        using var gate = new Gate();
        var predictor = new FakePredictor { OnBatch = gate.Hold() };
        using var batcher = Start(predictor, new BatchOptions { MaxQueueRows = 2 });
        batcher.Observe(100, TimeSpan.FromSeconds(10));
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;
        Task[] waiting = [batcher.RunAsync(Call(predictor, "a", "two")), batcher.RunAsync(Call(predictor, "b", "three"))];

        var refusal = await Assert.ThrowsAsync<RefusedException>(() => batcher.RunAsync(Call(predictor, "c", "four")));

        Assert.Equal(RefusalReason.QueueFull, refusal.Reason);
        Assert.InRange(refusal.RetryAfter, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10));
        gate.Open();
        await Task.WhenAll([first, .. waiting]).WaitAsync(TestServer.Patience);
    }

    [Fact]
    public async Task RunAsync_QueueLongerThanTheDeadline_Refuses()
    {
        using var gate = new Gate();
        var predictor = new FakePredictor { OnBatch = gate.Hold() };
        using var batcher = Start(predictor);
        batcher.Observe(1, TimeSpan.FromSeconds(1));
        var first = batcher.RunAsync(Call(predictor, "a", "one two three four"));
        await gate.Entered;

        var refusal = await Assert.ThrowsAsync<RefusedException>(() =>
            batcher.RunAsync(Call(predictor, "a", "five", TimeProvider.System.GetUtcNow().AddSeconds(3))));

        Assert.Equal(RefusalReason.WouldMissDeadline, refusal.Reason);
        gate.Open();
        await first.WaitAsync(TestServer.Patience);
    }

    [Fact]
    public async Task RunAsync_QueueThatMayOvertakeACall_IsAllowedForInItsPromise()
    {
        using var gate = new Gate();
        var predictor = new FakePredictor { OnBatch = gate.Hold() };
        using var batcher = Start(predictor);
        batcher.Observe(1, TimeSpan.FromSeconds(1));
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;
        var second = batcher.RunAsync(Call(predictor, "a", "two three four five"));
        BatchCall Next(double seconds) => Call(predictor, "a", "six", TimeProvider.System.GetUtcNow().AddSeconds(seconds));

        // Tokens, with an end token each: two that run, five that wait, five more that may yet come first, two of its own;
        // a second each, and a quarter for slow batches.
        var refusal = await Assert.ThrowsAsync<RefusedException>(() => batcher.RunAsync(Next(12)));
        var third = batcher.RunAsync(Next(30));

        Assert.Equal(RefusalReason.WouldMissDeadline, refusal.Reason);
        gate.Open();
        await Task.WhenAll(first, second, third).WaitAsync(TestServer.Patience);
    }

    [Fact]
    public async Task RunAsync_WorkForEveryLane_RunsSideBySideAndAloneAgainAfterwards()
    {
        using var gate = new Gate();
        using var both = new Barrier(2);
        var predictor = new FakePredictor
        {
            Lanes = 2,
            OnBatch = gate.Hold() + (texts => Assert.True(texts.Count == 1 || both.SignalAndWait(TestServer.Patience))),
        };
        using var batcher = Start(predictor, TwoLanes);
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;

        // Four rows of 64 tokens, of which a lane takes two: each of the two batches waits for the other.
        Task[] waiting = [.. Enumerable.Range(0, 4).Select(i => batcher.RunAsync(Call(predictor, "a", Words(63))))];
        gate.Open();
        await Task.WhenAll([first, .. waiting]).WaitAsync(TestServer.Patience);
        int?[] lanes = [.. predictor.LanesTaken];
        Assert.Null(lanes[0]);
        Assert.Equal([0, 1], lanes[1..].Order());

        // The answers come a moment before the lane is free.
        async Task UntilAlone()
        {
            do await batcher.RunAsync(Call(predictor, "a", "two"));
            while (predictor.LanesTaken.Last() is not null);
        }

        await UntilAlone().WaitAsync(TestServer.Patience);
    }

    [Fact]
    public async Task RunAsync_WorkForOneLaneAlone_HasAllThreads()
    {
        using var gate = new Gate();
        var predictor = new FakePredictor { Lanes = 2, OnBatch = gate.Hold() };
        using var batcher = Start(predictor, TwoLanes);
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;

        // A row that fills a lane and a short one: the second lane would soon have nothing to do.
        var second = batcher.RunAsync(Call(predictor, "a", Words(127)));
        var third = batcher.RunAsync(Call(predictor, "a", "1 2 3"));
        gate.Open();
        await Task.WhenAll(first, second, third).WaitAsync(TestServer.Patience);

        Assert.Equal([null, null, null], predictor.LanesTaken);
    }

    [Fact]
    public async Task DrainAsync_WhileALaneWaitsForABatchThatRunsAlone_Ends()
    {
        using var gate = new Gate();
        var predictor = new FakePredictor { Lanes = 2, OnBatch = gate.Hold() };
        using var batcher = Start(predictor, TwoLanes);
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;
        var second = batcher.RunAsync(Call(predictor, "a", "two"));

        var drained = batcher.DrainAsync();
        gate.Open();
        await Task.WhenAll(first, second, drained).WaitAsync(TestServer.Patience);
    }

    [Fact]
    public async Task DrainAsync_WithWaitingRows_AnswersThemAndRefusesNewOnes()
    {
        using var gate = new Gate();
        var predictor = new FakePredictor { OnBatch = gate.Hold() };
        using var batcher = Start(predictor);
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;
        var second = batcher.RunAsync(Call(predictor, "a", "two"));

        var drained = batcher.DrainAsync();
        var refusal = await Assert.ThrowsAsync<RefusedException>(() => batcher.RunAsync(Call(predictor, "a", "three")));
        Assert.False(drained.IsCompleted);
        gate.Open();
        await Task.WhenAll(first, second, drained).WaitAsync(TestServer.Patience);

        Assert.Equal(RefusalReason.Draining, refusal.Reason);
        Assert.Equal(predictor.Answer("two").Label, (await second)[0].Prediction!.Label);
    }

    [Fact]
    public async Task RunAsync_AllCallersOfARunningBatchLeave_TheRunIsStopped()
    {
        var predictor = new FakePredictor { PerToken = TimeSpan.FromMinutes(1) };
        using var batcher = Start(predictor);
        using var cancel = new CancellationTokenSource();
        var call = batcher.RunAsync(Call(predictor, "a", "one", token: cancel.Token));
        await Wait.UntilAsync(() => predictor.Batches > 0);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(TestServer.Patience));
        await batcher.DrainAsync().WaitAsync(TestServer.Patience);
    }

    /// <summary>A run that stops since its caller left may end before the call is told that it left.</summary>
    [Fact]
    public async Task Answer_OfARunThatStoppedSinceTheCallerLeft_IsThatTheCallerLeft()
    {
        using var cancel = new CancellationTokenSource();
        var call = Call(new FakePredictor(), "a", "one", token: cancel.Token);
        await cancel.CancelAsync();

        call.Answer(0, new RowAnswer(null, new OperationCanceledException(), TimeSpan.Zero, TimeSpan.Zero));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Done.WaitAsync(TestServer.Patience));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public async Task RunAsync_NothingElseToDo_RunsOnItsCallerWithAllThreads(int lanes, bool sideBySide)
    {
        var threads = new List<int>();
        var predictor = new FakePredictor { Lanes = lanes, OnBatch = _ => threads.Add(Environment.CurrentManagedThreadId) };
        using var batcher = Start(predictor, new BatchOptions { Lanes = lanes, SideBySide = sideBySide }, callers: 1);

        for (var i = 0; i < 3; i++)
        {
            var running = batcher.RunAsync(Call(predictor, "a", $"text {i}", onCaller: true));
            Assert.True(running.IsCompleted);
            Assert.Equal(predictor.Answer($"text {i}").Label, (await running)[0].Prediction!.Label);
            Assert.Equal(i + 1, threads.Count);
            Assert.All(predictor.LanesTaken, lane => Assert.Null(lane));
        }
    }

    [Fact]
    public async Task RunAsync_WhileACallerRuns_OthersGatherAndTheDrainWaits()
    {
        using var gate = new Gate();
        var sizes = new List<int>();
        var predictor = new FakePredictor { OnBatch = gate.Hold(texts => sizes.Add(texts.Count)) };
        using var batcher = Start(predictor, callers: 2);
        var first = Task.Run(() => batcher.RunAsync(Call(predictor, "a", "one", onCaller: true)));
        await gate.Entered;

        Task[] others = [.. Enumerable.Range(0, 5).Select(i => batcher.RunAsync(Call(predictor, "a", $"text{i}", onCaller: true)))];
        var drained = batcher.DrainAsync();
        Assert.False(drained.IsCompleted);
        gate.Open();
        await Task.WhenAll([first, .. others, drained]).WaitAsync(TestServer.Patience);

        Assert.Equal([1, 5], sizes);
    }

    [Fact]
    public async Task DrainAsync_WhileACallerRunsTheOnlyCall_WaitsForIt()
    {
        using var gate = new Gate();
        var predictor = new FakePredictor { OnBatch = gate.Hold() };
        using var batcher = Start(predictor, callers: 1);
        var first = Task.Run(() => batcher.RunAsync(Call(predictor, "a", "one", onCaller: true)));
        await gate.Entered;

        var drained = batcher.DrainAsync();
        await Task.Delay(50);
        Assert.False(drained.IsCompleted);
        gate.Open();
        await Task.WhenAll(first, drained).WaitAsync(TestServer.Patience);
    }

    [Theory]
    [InlineData(0, false, 0)]
    [InlineData(1, true, 0)]
    [InlineData(1, false, 1)]
    public async Task RunAsync_NoPlaceForCallersOnAGpuOrWithAWait_RunsOnALane(int callers, bool onGpu, int waitMilliseconds)
    {
        var threads = new List<int>();
        var predictor = new FakePredictor { OnGpu = onGpu, OnBatch = _ => threads.Add(Environment.CurrentManagedThreadId) };
        using var batcher = Start(predictor, new BatchOptions { Wait = TimeSpan.FromMilliseconds(waitMilliseconds) }, callers: callers);
        var own = Environment.CurrentManagedThreadId;

        await batcher.RunAsync(Call(predictor, "a", "one", onCaller: true)).WaitAsync(TestServer.Patience);

        Assert.NotEqual(own, Assert.Single(threads));
    }

    [Fact]
    public async Task RunAsync_FaultOrCancelledOnItsCaller_GivesThePlaceBack()
    {
        using var cancel = new CancellationTokenSource();
        var predictor = new FakePredictor { Poison = "poison", OnBatch = texts => { if (texts[0] == "leave") cancel.Cancel(); } };
        using var batcher = Start(predictor, callers: 1);

        var failed = await batcher.RunAsync(Call(predictor, "a", "poison", onCaller: true));
        Assert.IsType<InvalidOperationException>(failed[0].Fault);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => batcher.RunAsync(Call(predictor, "a", "leave", token: cancel.Token, onCaller: true)).WaitAsync(TestServer.Patience));
        Assert.True(batcher.RunAsync(Call(predictor, "a", "text", onCaller: true)).IsCompleted);
    }

    private static BatchOptions TwoLanes { get; } = new() { MaxTokens = 256, Lanes = 2, SideBySide = true };

    private static string Words(int count) => string.Join(' ', Enumerable.Repeat("w", count));

    /// <summary>The texts of each batch, sorted, where some rows gather behind the row "one" and a token takes 10 ms.</summary>
    private static async Task<List<string[]>> BatchesAsync(BatchOptions options, params (string Text, double? SecondsLeft)[] rows)
    {
        using var gate = new Gate();
        var time = new ManualTime();
        var batches = new List<string[]>();
        var predictor = new FakePredictor { OnBatch = gate.Hold(texts => batches.Add([.. texts.Order()])) };
        using var batcher = Start(predictor, options, time);
        batcher.Observe(1, TimeSpan.FromMilliseconds(10));
        var first = batcher.RunAsync(Call(predictor, "a", "one"));
        await gate.Entered;

        Task[] waiting =
        [
            .. rows.Select(row => batcher.RunAsync(
                Call(predictor, "a", row.Text, row.SecondsLeft is { } left ? time.GetUtcNow().AddSeconds(left) : null))),
        ];
        gate.Open();
        await Task.WhenAll([first, .. waiting]).WaitAsync(TestServer.Patience);
        return batches;
    }

    private static Batcher Start(FakePredictor predictor, BatchOptions? options = null, TimeProvider? time = null, int callers = 0) =>
        new("test", predictor, options ?? new BatchOptions(), new NoObserver(), time ?? TimeProvider.System, new CallerRuns(callers));

    private static BatchCall Call(
        FakePredictor predictor, string caller, string text, DateTimeOffset? deadline = null, CancellationToken token = default,
        bool onCaller = false) =>
        new([predictor.Encode(new Input(text))], caller, deadline, token) { RunsOnCaller = onCaller };

    private sealed class NoObserver : IBatchObserver
    {
        public void Ran(BatchReport report)
        {
        }

        public void Refused(RefusalReason reason)
        {
        }

        public void Abandoned(int rows)
        {
        }
    }
}
