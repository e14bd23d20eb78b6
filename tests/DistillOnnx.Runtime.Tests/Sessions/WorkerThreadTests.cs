using DistillOnnx.Runtime.Sessions;

namespace DistillOnnx.Runtime.Tests.Sessions;

public sealed class WorkerThreadTests
{
    [Fact]
    public void Do_FromManyThreads_RunsOneAfterAnotherOnOneThread()
    {
        using var worker = new WorkerThread("test");
        var (threads, count) = (new HashSet<int>(), 0);
        Parallel.For(0, 200, _ => worker.Do(() =>
        {
            threads.Add(Environment.CurrentManagedThreadId);
            count++;
        }));
        Assert.Single(threads);
        Assert.Equal(200, count);
    }

    [Fact]
    public void Do_ActionThatThrows_ThrowsHereAndGoesOn()
    {
        using var worker = new WorkerThread("test");
        Assert.Throws<InvalidOperationException>(() => worker.Do(() => throw new InvalidOperationException()));
        var done = false;
        worker.Do(() => done = true);
        Assert.True(done);
    }
}
