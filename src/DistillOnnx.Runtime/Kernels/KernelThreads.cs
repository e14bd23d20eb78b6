using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DistillOnnx.Runtime.Native;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>Divides a node's work among the session's threads.</summary>
internal static unsafe class KernelThreads
{
    /// <summary>Values below which starting another thread costs more than it saves.</summary>
    private const long LeastValues = 32768;

    /// <summary>More than any machine has threads.</summary>
    private const int MostParts = 4096;

    private const int CacheLine = 64;

    [ThreadStatic]
    private static float[]? _scratch;

    /// <summary>Runs a body for ranges of rows, side by side where they are many.</summary>
    /// <param name="context">The node's run.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="width">Values of a row, or work that takes as long.</param>
    /// <param name="body">Receives the first row and the one after the last.</param>
    public static void ForRows(nint context, long rows, long width, Action<long, long> body)
    {
        var parts = (int)Math.Min(Math.Min(rows, MostParts), rows * width / LeastValues);
        if (parts < 2) body(0, rows);
        else OrtInterface.ParallelFor(context, parts, part => body(rows * part / parts, rows * (part + 1) / parts));
    }

    /// <summary>Memory of the calling thread, from the start of a cache line on; what it held before is lost.</summary>
    /// <param name="count">Floats.</param>
    public static float* Scratch(long count)
    {
        count += CacheLine / sizeof(float);
        if (_scratch is null || _scratch.Length < count)
            _scratch = GC.AllocateUninitializedArray<float>(checked((int)count), pinned: true);
        var start = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_scratch));
        return (float*)((start + CacheLine - 1) & ~(CacheLine - 1));
    }
}
