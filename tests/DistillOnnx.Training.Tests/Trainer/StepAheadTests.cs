using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Trainer;

public sealed class StepAheadTests
{
    [Fact]
    public void Of_EachStep_MakesItOnceAndNoneAfterTheLast()
    {
        var made = new List<int>();
        using (var ahead = new StepAhead<int>(Make))
        {
            for (var step = 3; step < 8; step++) Assert.Equal(step * step, ahead.Of(step, last: step == 7));
        }

        Assert.Equal([3, 4, 5, 6, 7], made);

        int Make(int step)
        {
            made.Add(step);
            return step * step;
        }
    }

    [Fact]
    public void Of_AStep_BeginsWithTheNextOnAnotherThread()
    {
        using var begun = new ManualResetEventSlim();
        using var ahead = new StepAhead<int>(step =>
        {
            if (step == 1) begun.Set();
            return Environment.CurrentManagedThreadId;
        });

        var first = ahead.Of(0, last: false);

        Assert.Equal(Environment.CurrentManagedThreadId, first);
        Assert.True(begun.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Of_AStepThatIsNotTheNext_MakesItWhenTheOtherIsDone()
    {
        var running = 0;
        using var ahead = new StepAhead<int>(step =>
        {
            Assert.Equal(1, Interlocked.Increment(ref running));
            Thread.Sleep(20);
            Interlocked.Decrement(ref running);
            return step;
        });

        Assert.Equal([0, 5, 2], new[] { 0, 5, 2 }.Select(s => ahead.Of(s, last: false)));
    }

    [Fact]
    public void Of_AStepWhoseMakingFailed_ThrowsThatAndNotEarlier()
    {
        using var ahead = new StepAhead<int>(step => step == 1 ? throw new InvalidDataException("one") : step);

        Assert.Equal(0, ahead.Of(0, last: false));
        Assert.Equal("one", Assert.Throws<InvalidDataException>(() => ahead.Of(1, last: false)).Message);
    }

    [Fact]
    public void Dispose_WhileTheNextIsMade_WaitsForItAndHidesItsFailure()
    {
        var done = false;
        var ahead = new StepAhead<int>(step =>
        {
            if (step == 0) return 0;
            Thread.Sleep(50);
            done = true;
            throw new InvalidDataException();
        });
        ahead.Of(0, last: false);

        ahead.Dispose();

        Assert.True(done);
    }
}
