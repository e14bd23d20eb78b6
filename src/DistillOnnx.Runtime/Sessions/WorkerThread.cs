using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// A thread that does what others ask for, one thing after another, while they wait. Both sides look for a while whether the other is
/// done before they sleep: to be woken costs as much as a small run.
/// </summary>
internal sealed class WorkerThread : IDisposable
{
    private static readonly TimeSpan LooksForJobs = TimeSpan.FromMicroseconds(200);
    private static readonly TimeSpan LooksForTheEnd = TimeSpan.FromMilliseconds(3);
    private readonly BlockingCollection<Job> _jobs = [];
    private readonly Thread _thread;

    /// <param name="name">For debuggers.</param>
    public WorkerThread(string name)
    {
        _thread = new Thread(Work) { Name = name, IsBackground = true };
        _thread.Start();
    }

    /// <summary>Runs an action on the thread and waits for it; what it throws is thrown here.</summary>
    public void Do(Action action)
    {
        using var job = new Job(action);
        _jobs.Add(job);
        if (!Spin(() => job.Done.IsSet, LooksForTheEnd)) job.Done.Wait();
        job.Fault?.Throw();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _jobs.CompleteAdding();
        _thread.Join();
        _jobs.Dispose();
    }

    private void Work()
    {
        while (Next() is { } job)
        {
            try
            {
                job.Action();
            }
            catch (Exception e)
            {
                job.Fault = ExceptionDispatchInfo.Capture(e);
            }

            job.Done.Set();
        }
    }

    /// <summary>The next job; null: there will be none.</summary>
    private Job? Next()
    {
        Job? job = null;
        return Spin(() => _jobs.TryTake(out job), LooksForJobs) || _jobs.TryTake(out job, Timeout.Infinite) ? job : null;
    }

    private static bool Spin(Func<bool> isDone, TimeSpan length)
    {
        var begin = Stopwatch.GetTimestamp();
        var spinner = default(SpinWait);
        while (!isDone())
        {
            if (Stopwatch.GetElapsedTime(begin) > length) return false;
            spinner.SpinOnce(sleep1Threshold: -1);
        }

        return true;
    }

    private sealed class Job(Action action) : IDisposable
    {
        public Action Action => action;

        public ManualResetEventSlim Done { get; } = new();

        public ExceptionDispatchInfo? Fault { get; set; }

        public void Dispose() => Done.Dispose();
    }
}
