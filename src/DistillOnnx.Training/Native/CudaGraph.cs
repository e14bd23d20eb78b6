using System.Runtime.InteropServices;

namespace DistillOnnx.Training.Native;

/// <summary>
/// Work on a GPU that was recorded once and is started again as a whole: one call of the processor in place of one for every kernel. This
/// is libtorch's own class, whose caching allocator and random numbers know of it, called by its C++ symbols, since TorchSharp does not
/// reach it (<c>ATen/cuda/CUDAGraph.h</c>; seen with libtorch 2.11).
/// </summary>
/// <remarks>
/// What is recorded must not wait for the device, and finds its inputs where they lay when it was recorded. Nothing else may draw random
/// numbers on the device while something is recorded, so both happen under <see cref="Gate"/>.
/// </remarks>
internal sealed unsafe class CudaGraph : IDisposable
{
    /// <summary>The class has some 100 bytes in libtorch 2.11; what is more is never touched.</summary>
    private const int ObjectBytes = 16384;

    /// <summary><c>cudaStreamCaptureModeThreadLocal</c>: other threads go on as they like.</summary>
    private const int ThisThread = 1;

    /// <summary><c>cudaStreamCaptureStatusActive</c>.</summary>
    private const int Active = 1;

    private static readonly Lazy<Symbols> Native = new(() => new Symbols());

    /// <summary>By device: memory that one recording frees can be used by the next on the same stream alone.</summary>
    private static readonly Dictionary<short, Stream> Streams = [];

    private void* _graph;

    private CudaGraph(void* graph) => _graph = graph;

    /// <summary>Held by whoever seeds the device's random numbers, draws some, records or replays.</summary>
    public static Lock Gate { get; } = new();

    /// <summary>Whether work can be recorded here.</summary>
    /// <returns>Null where it can be; otherwise why not.</returns>
    public static string? WhyNot()
    {
        if (!OperatingSystem.IsLinux()) return "they are recorded on Linux only";
        try
        {
            _ = Native.Value;
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return $"libtorch {LibTorch.Version} does not fit: {e.Message.ReplaceLineEndings(" ").Trim()}";
        }
    }

    /// <summary>A pool of memory for graphs of which no two run at once; it ends with the last of them.</summary>
    public static Pool NewPool() => Native.Value.NewPool();

    /// <summary>Records what is queued on the current device, without running it.</summary>
    /// <param name="pool">What <see cref="NewPool"/> gave; holds all that is allocated meanwhile.</param>
    /// <param name="work">Queues the work, all of it from this thread.</param>
    /// <exception cref="InvalidOperationException">The work did what cannot be recorded.</exception>
    public static CudaGraph Record(Pool pool, Action work)
    {
        var native = Native.Value;
        var before = native.CurrentStream(-1);
        if (!Streams.TryGetValue(before.Device, out var stream)) Streams[before.Device] = stream = native.StreamFromPool(0, -1);

        // The recorded stream knows nothing of what the others still do.
        TorchSharp.torch.cuda.synchronize();
        var graph = NativeMemory.AllocZeroed(ObjectBytes);
        native.SetStream(stream);
        try
        {
            native.Create(graph, 0);
            native.Begin(graph, pool.First, pool.Second, ThisThread);
            try
            {
                work();
            }
            catch (Exception e)
            {
                Abandon(native, graph, stream, e);
                throw;
            }

            if (!IsRecording(native, native.RawStream(&stream)))
                Abandon(native, graph, stream, new InvalidOperationException("it does what a graph cannot hold"));
            native.End(graph);

            // What the recording prepared on its own stream has to be there before the first replay.
            TorchSharp.torch.cuda.synchronize();
        }
        finally
        {
            native.SetStream(before);
        }

        return new CudaGraph(graph);
    }

    /// <summary>Bytes of the current device: those that are free, and all.</summary>
    public static (long Free, long Total) Memory()
    {
        ulong free, total;
        return Native.Value.MemoryInfo(&free, &total) == 0 ? ((long)free, (long)total) : (0, 0);
    }

    /// <summary>Queues what was recorded on the current stream.</summary>
    public void Replay()
    {
        ObjectDisposedException.ThrowIf(_graph is null, this);
        Native.Value.Replay(_graph);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_graph is null) return;
        Native.Value.Destroy(_graph);
        NativeMemory.Free(_graph);
        _graph = null;
    }

    /// <summary>Ends what failed while it was recorded, such as for want of memory, so that the device goes on as before.</summary>
    private static void Abandon(Symbols native, void* graph, Stream stream, Exception failure)
    {
        var raw = native.RawStream(&stream);
        if (IsRecording(native, raw))
        {
            native.End(graph);
            native.Destroy(graph);
            NativeMemory.Free(graph);
            return;
        }

        // libtorch's own ending would throw through this program, which ends it. Its allocator and generator still take the recording for
        // one that goes on, and point at the graph, which is therefore not freed: nothing else of this process can train after that.
        void* left;
        _ = native.EndRaw(raw, &left);
        throw new InvalidOperationException(
            $"a training step cannot be recorded as a CUDA graph; --cuda-graphs false trains without: {failure.Message}", failure);
    }

    private static bool IsRecording(Symbols native, void* stream)
    {
        int status;
        return native.Capturing(stream, &status) == 0 && status == Active;
    }

    /// <summary><c>c10::cuda::CUDAStream</c>, which is passed by value.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Stream
    {
        public short Device;
        public long Id;
    }

    /// <summary>Names a pool of memory: <c>std::pair</c> of two numbers.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Pool
    {
        public ulong First;
        public ulong Second;
    }

    private sealed class Symbols
    {
        public readonly delegate* unmanaged<void*, byte, void> Create;
        public readonly delegate* unmanaged<void*, ulong, ulong, int, void> Begin;
        public readonly delegate* unmanaged<void*, void> End;
        public readonly delegate* unmanaged<void*, void> Replay;
        public readonly delegate* unmanaged<void*, void> Destroy;
        public readonly delegate* unmanaged<Pool> NewPool;
        public readonly delegate* unmanaged<byte, sbyte, Stream> StreamFromPool;
        public readonly delegate* unmanaged<sbyte, Stream> CurrentStream;
        public readonly delegate* unmanaged<Stream, void> SetStream;
        public readonly delegate* unmanaged<Stream*, void*> RawStream;
        public readonly delegate* unmanaged<void*, int*, int> Capturing;
        public readonly delegate* unmanaged<void*, void**, int> EndRaw;
        public readonly delegate* unmanaged<ulong*, ulong*, int> MemoryInfo;

        public Symbols()
        {
            var folder = LibTorch.Folder ?? "";
            var torch = NativeLibrary.Load(Path.Combine(folder, "libtorch_cuda.so"));
            var c10 = NativeLibrary.Load(Path.Combine(folder, "libc10_cuda.so"));
            Create = (delegate* unmanaged<void*, byte, void>)Find(torch, "_ZN2at4cuda9CUDAGraphC1Eb");
            Begin = (delegate* unmanaged<void*, ulong, ulong, int, void>)Find(
                torch, "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode");
            End = (delegate* unmanaged<void*, void>)Find(torch, "_ZN2at4cuda9CUDAGraph11capture_endEv");
            Replay = (delegate* unmanaged<void*, void>)Find(torch, "_ZN2at4cuda9CUDAGraph6replayEv");
            Destroy = (delegate* unmanaged<void*, void>)Find(torch, "_ZN2at4cuda9CUDAGraphD1Ev");
            NewPool = (delegate* unmanaged<Pool>)Find(torch, "_ZN2at4cuda17graph_pool_handleEv");
            StreamFromPool = (delegate* unmanaged<byte, sbyte, Stream>)Find(c10, "_ZN3c104cuda17getStreamFromPoolEba");
            CurrentStream = (delegate* unmanaged<sbyte, Stream>)Find(c10, "_ZN3c104cuda20getCurrentCUDAStreamEa");
            SetStream = (delegate* unmanaged<Stream, void>)Find(c10, "_ZN3c104cuda20setCurrentCUDAStreamENS0_10CUDAStreamE");
            RawStream = (delegate* unmanaged<Stream*, void*>)Find(c10, "_ZNK3c104cuda10CUDAStream6streamEv");

            // The CUDA runtime's own, of the library that c10 links to.
            Capturing = (delegate* unmanaged<void*, int*, int>)Find(c10, "cudaStreamIsCapturing");
            EndRaw = (delegate* unmanaged<void*, void**, int>)Find(c10, "cudaStreamEndCapture");
            MemoryInfo = (delegate* unmanaged<ulong*, ulong*, int>)Find(c10, "cudaMemGetInfo");
        }

        private static IntPtr Find(IntPtr library, string name) => NativeLibrary.GetExport(library, name);
    }
}
