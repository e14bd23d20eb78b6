using DistillOnnx.Runtime.Devices;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// Memory of a GPU out of a session's own arena. What crosses goes through one pinned block: the driver copies from and to pinned memory
/// without a stop in between, and the copy is complete when the call returns.
/// </summary>
internal sealed class CudaMemory : TensorMemory
{
    private readonly CudaContext _context;
    private readonly OrtMemoryInfo _pinnedInfo;
    private readonly OrtAllocator _device;
    private readonly OrtAllocator _pinned;
    private readonly List<OrtMemoryAllocation> _blocks = [];
    private OrtMemoryAllocation? _staging;

    public CudaMemory(GraphSession graph)
    {
        _context = new CudaContext(graph.DeviceIndex);
        Info = graph.DeviceMemory;
        _pinnedInfo = new OrtMemoryInfo(
            OrtMemoryInfo.allocatorCUDA_PINNED, OrtAllocatorType.DeviceAllocator, graph.DeviceIndex, OrtMemType.CpuOutput);
        _device = new OrtAllocator(graph.Session, Info);
        _pinned = new OrtAllocator(graph.Session, _pinnedInfo);
    }

    public override OrtMemoryInfo Info { get; }

    public override nint Allocate(int bytes)
    {
        _blocks.Add(_device.Allocate((uint)Math.Max(1, bytes)));
        return _blocks[^1].DangerousGetHandle();
    }

    public override unsafe void Write(nint block, ReadOnlySpan<byte> values)
    {
        var staging = Staging(values.Length);
        values.CopyTo(new Span<byte>((void*)staging, values.Length));
        _context.CopyToDevice(block, staging, values.Length);
    }

    public override unsafe void Read(nint block, Span<byte> values)
    {
        var staging = Staging(values.Length);
        _context.CopyToHost(staging, block, values.Length);
        new ReadOnlySpan<byte>((void*)staging, values.Length).CopyTo(values);
    }

    public override void Dispose()
    {
        foreach (var block in _blocks) block.Dispose();
        _blocks.Clear();
        _staging?.Dispose();
        _device.Dispose();
        _pinned.Dispose();
        _pinnedInfo.Dispose();
    }

    private nint Staging(int bytes)
    {
        if (_staging is null || _staging.Size < bytes)
        {
            _staging?.Dispose();
            _staging = _pinned.Allocate((uint)Math.Max(bytes, 1 << 16));
        }

        return _staging.DangerousGetHandle();
    }
}
