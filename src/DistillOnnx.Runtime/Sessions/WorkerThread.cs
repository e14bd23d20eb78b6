using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>A thread that does what others ask for, one thing after another, while they wait.</summary>
internal sealed class WorkerThread : IDisposable
{
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
        job.Done.Wait();
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
        foreach (var job in _jobs.GetConsumingEnumerable())
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

    private sealed class Job(Action action) : IDisposable
    {
        public Action Action => action;

        public ManualResetEventSlim Done { get; } = new();

        public ExceptionDispatchInfo? Fault { get; set; }

        public void Dispose() => Done.Dispose();
    }
}
