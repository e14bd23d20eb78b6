using System.Diagnostics;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>A thread that sleeps five milliseconds at a time and notes how late it wakes: what the machine does to
/// whoever waits on it.</summary>
internal sealed class StallProbe : IDisposable
{
    private const int NapMs = 5;

    private readonly Thread _thread;
    private readonly List<double> _lateMs = [];
    private volatile bool _stop;

    public StallProbe()
    {
        _thread = new Thread(Watch) { IsBackground = true, Name = "stalls" };
        _thread.Start();
    }

    /// <summary>How late it woke each time, in milliseconds; to be read after it is disposed.</summary>
    public IReadOnlyList<double> LateMs => _lateMs;

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
    }

    private void Watch()
    {
        while (!_stop)
        {
            var start = Stopwatch.GetTimestamp();
            Thread.Sleep(NapMs);
            _lateMs.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds - NapMs);
        }
    }
}
