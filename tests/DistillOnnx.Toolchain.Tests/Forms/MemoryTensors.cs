using DistillOnnx.Checkpoints;

namespace DistillOnnx.Toolchain.Tests.Forms;

/// <summary>Weights in arrays, so that what a form means is known without reading it.</summary>
internal sealed class MemoryTensors(IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, float[]> values) : ITensorSource
{
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; } = tensors.ToDictionary(t => t.Name);

    public void ReadFloat32(string name, Span<float> destination, long offset = 0) =>
        values[name].AsSpan((int)offset, destination.Length).CopyTo(destination);

    public void ReadBytes(string name, Span<byte> destination, long offset = 0) => throw new NotSupportedException();

    public bool TryGetBytes(string name, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        return false;
    }

    public void Dispose()
    {
    }
}
