using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DistillOnnx.Runtime.Native;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// The threads of a session's pool, which sleep between runs. After a pause Linux may wake one on the core of the thread that wakes it,
/// while others idle: the two then take turns for milliseconds, and the run takes twice as long. So before such a run they are kept off
/// the caller's core.
/// </summary>
internal sealed unsafe partial class PoolThreads : IDisposable
{
    /// <summary>Words of a set of cores: 1,024 of them.</summary>
    private const int Words = 16;

    /// <summary>How soon after a run the threads have not gone to sleep yet.</summary>
    private static readonly long Soon = Stopwatch.Frequency / 1000;

    private readonly Lock _lock = new();
    private readonly List<int> _threads = [];
    private readonly ulong[] _cores = new ulong[Words];
    private GCHandle _self;
    private int _running;
    private int _avoided = -1;
    private long _ended;

    private PoolThreads() => _self = GCHandle.Alloc(this);

    /// <summary>Has a session start its threads here. Null: it has none of its own, or the system is not Linux.</summary>
    /// <param name="options">The session's options.</param>
    /// <param name="threads">Threads of an operator, the caller among them.</param>
    public static PoolThreads? Attach(SessionOptions options, int threads)
    {
        if (threads < 2 || !OperatingSystem.IsLinux() || !OrtInterface.IsLoaded) return null;
        var pool = new PoolThreads();
        fixed (ulong* cores = pool._cores)
        {
            // With as many threads as cores, each has a core of its own beside the caller's.
            var all = GetAffinity(0, sizeof(ulong) * Words, cores) == 0 ? pool._cores.Sum(BitOperations.PopCount) : 0;
            if (all < threads)
            {
                pool.Dispose();
                return null;
            }
        }

        OrtInterface.SetThreads(options.DangerousGetHandle(), &Create, &Join, GCHandle.ToIntPtr(pool._self));
        return pool;
    }

    /// <summary>The threads' numbers in the system.</summary>
    internal IReadOnlyList<int> Numbers
    {
        get
        {
            lock (_lock) return [.. _threads];
        }
    }

    /// <summary>Before a run.</summary>
    public void Enter()
    {
        var others = Interlocked.Increment(ref _running) - 1;
        if (others == 0 ? Stopwatch.GetTimestamp() - Volatile.Read(ref _ended) < Soon : Volatile.Read(ref _avoided) < 0) return;
        lock (_lock)
        {
            // Several callers have several cores: then the system knows best.
            var core = others == 0 ? GetCore() : -1;
            if (core == _avoided || core >= 64 * Words) return;
            _avoided = core;
            var cores = stackalloc ulong[Words];
            _cores.CopyTo(new Span<ulong>(cores, Words));
            if (core >= 0) cores[core / 64] &= ~(1UL << (core % 64));
            foreach (var thread in _threads) _ = SetAffinity(thread, sizeof(ulong) * Words, cores);
        }
    }

    /// <summary>After a run.</summary>
    public void Exit()
    {
        Volatile.Write(ref _ended, Stopwatch.GetTimestamp());
        Interlocked.Decrement(ref _running);
    }

    /// <summary>Once the session is gone.</summary>
    public void Dispose()
    {
        if (_self.IsAllocated) _self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Create(nint state, nint work, nint argument)
    {
        try
        {
            var pool = (PoolThreads)GCHandle.FromIntPtr(state).Target!;
            var thread = new Thread(() =>
            {
                var number = GetThread();
                lock (pool._lock) pool._threads.Add(number);
                ((delegate* unmanaged[Cdecl]<nint, void>)work)(argument);

                // The system gives the number of a thread that is gone to another.
                lock (pool._lock) pool._threads.Remove(number);
            })
            {
                IsBackground = true,
                Name = "ONNX Runtime",
            };
            thread.Start();
            return GCHandle.ToIntPtr(GCHandle.Alloc(thread));
        }
        catch (Exception)
        {
            // ONNX Runtime takes 0 for a failure and says so.
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Join(nint handle)
    {
        var thread = GCHandle.FromIntPtr(handle);
        ((Thread)thread.Target!).Join();
        thread.Free();
    }

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThread();

    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    private static partial int GetCore();

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint size, ulong* cores);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint size, ulong* cores);
}
