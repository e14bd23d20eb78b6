using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// Memory of the device that a session runs on, in blocks that stay in place until this is disposed. For one thread at a time.
/// </summary>
internal abstract class TensorMemory : IDisposable
{
    /// <summary>What tensors in these blocks are told that they lie in.</summary>
    public abstract OrtMemoryInfo Info { get; }

    /// <summary>Takes a block.</summary>
    /// <param name="bytes">Its size.</param>
    public abstract nint Allocate(int bytes);

    /// <summary>Fills a block; when this returns, the values are there.</summary>
    public abstract void Write(nint block, ReadOnlySpan<byte> values);

    /// <summary>Reads a block.</summary>
    public abstract void Read(nint block, Span<byte> values);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Memory of the device of a graph.</summary>
    public static TensorMemory Of(GraphSession graph) => graph.OnGpu ? new CudaMemory(graph) : new HostMemory();

    private sealed unsafe class HostMemory : TensorMemory
    {
        // What kernels may ask of memory: a cache line.
        private const int Alignment = 64;
        private readonly List<nint> _blocks = [];

        public override OrtMemoryInfo Info => OrtMemoryInfo.DefaultInstance;

        public override nint Allocate(int bytes)
        {
            _blocks.Add((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(1, bytes), Alignment));
            return _blocks[^1];
        }

        public override void Write(nint block, ReadOnlySpan<byte> values) => values.CopyTo(new Span<byte>((void*)block, values.Length));

        public override void Read(nint block, Span<byte> values) => new ReadOnlySpan<byte>((void*)block, values.Length).CopyTo(values);

        public override void Dispose()
        {
            foreach (var block in _blocks) NativeMemory.AlignedFree((void*)block);
            _blocks.Clear();
        }
    }
}
