using System.Runtime.InteropServices;

namespace DistillOnnx.Checkpoints;

/// <summary>A source's tensors, some of them replaced by values in memory.</summary>
internal sealed class OverlaidTensors : ITensorSource
{
    private readonly ITensorSource _source;
    private readonly IReadOnlyDictionary<string, float[]> _values;
    private readonly Dictionary<string, TensorInfo> _tensors;

    /// <param name="source">The source, which is disposed with this.</param>
    /// <param name="replaced">The tensors that take the place of the source's, or that it lacks, with their values.</param>
    public OverlaidTensors(ITensorSource source, IReadOnlyDictionary<TensorInfo, float[]> replaced)
    {
        _source = source;
        _values = replaced.ToDictionary(r => r.Key.Name, r => r.Value, StringComparer.Ordinal);
        _tensors = new Dictionary<string, TensorInfo>(source.Tensors, StringComparer.Ordinal);
        foreach (var tensor in replaced.Keys) _tensors[tensor.Name] = tensor with { Type = TensorType.Float32 };
    }

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    public void ReadFloat32(string name, Span<float> destination, long offset = 0)
    {
        if (_values.TryGetValue(name, out var values)) values.AsSpan(checked((int)offset), destination.Length).CopyTo(destination);
        else _source.ReadFloat32(name, destination, offset);
    }

    public void ReadBytes(string name, Span<byte> destination, long offset = 0)
    {
        if (_values.TryGetValue(name, out var values))
            MemoryMarshal.AsBytes<float>(values).Slice(checked((int)offset), destination.Length).CopyTo(destination);
        else _source.ReadBytes(name, destination, offset);
    }

    public bool TryGetBytes(string name, out ReadOnlySpan<byte> bytes)
    {
        if (!_values.TryGetValue(name, out var values)) return _source.TryGetBytes(name, out bytes);
        bytes = values.Length <= int.MaxValue / sizeof(float) ? MemoryMarshal.AsBytes<float>(values) : default;
        return bytes.Length > 0;
    }

    public void Dispose() => _source.Dispose();
}
