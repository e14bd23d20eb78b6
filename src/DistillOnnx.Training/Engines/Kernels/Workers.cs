using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>
/// Splits a kernel over as many threads as libtorch uses. The threads are our own and wait without spinning, since they take
/// turns with libtorch's; the split is fixed by the number of threads, so equal runs add up in equal order.
/// </summary>
internal static class Workers
{
    private static readonly Lock Gate = new();
    private static Worker[] _workers = [];

    /// <summary>Runs a body once for each part, one part a thread.</summary>
    /// <param name="body">Gets the part, from 0, and the number of parts.</param>
    public static void Run(Action<int, int> body)
    {
        var parts = get_num_threads();
        if (parts <= 1)
        {
            body(0, 1);
            return;
        }

        lock (Gate)
        {
            if (_workers.Length < parts - 1)
                _workers = [.. _workers, .. Enumerable.Range(_workers.Length, parts - 1 - _workers.Length).Select(_ => new Worker())];
            for (var part = 1; part < parts; part++) _workers[part - 1].Start(body, part, parts);
            Exception? fault = null;
            try
            {
                body(0, parts);
            }
            catch (Exception e)
            {
                fault = e;
            }

            for (var part = 1; part < parts; part++) fault = _workers[part - 1].Wait() ?? fault;
            if (fault is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(fault);
        }
    }

    /// <summary>Runs a body over a range, divided into one part per thread.</summary>
    /// <param name="count">Length of the range.</param>
    /// <param name="body">Gets the first position and the one after the last.</param>
    /// <param name="grain">Where a cut may be: multiples of this.</param>
    public static void Range(long count, Action<long, long> body, long grain = 1)
    {
        if (count <= grain)
        {
            if (count > 0) body(0, count);
            return;
        }

        Run((part, parts) =>
        {
            var units = (count + grain - 1) / grain;
            var from = Math.Min(count, units * part / parts * grain);
            var to = Math.Min(count, units * (part + 1) / parts * grain);
            if (from < to) body(from, to);
        });
    }

    private sealed class Worker
    {
        private readonly SemaphoreSlim _start = new(0);
        private readonly SemaphoreSlim _done = new(0);
        private Action<int, int>? _body;
        private int _part;
        private int _parts;
        private Exception? _fault;

        public Worker()
        {
            new Thread(Loop) { IsBackground = true, Name = "DistillOnnx kernel" }.Start();
        }

        public void Start(Action<int, int> body, int part, int parts)
        {
            (_body, _part, _parts, _fault) = (body, part, parts, null);
            _start.Release();
        }

        public Exception? Wait()
        {
            _done.Wait();
            _body = null;
            return _fault;
        }

        private void Loop()
        {
            while (true)
            {
                _start.Wait();
                try
                {
                    _body!(_part, _parts);
                }
                catch (Exception e)
                {
                    _fault = e;
                }

                _done.Release();
            }
        }
    }
}
