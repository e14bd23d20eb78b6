namespace DistillOnnx.Checkpoints;

/// <summary>A source's tensors under other names.</summary>
internal sealed class RenamedTensors : ITensorSource
{
    private readonly ITensorSource _source;
    private readonly Dictionary<string, string> _names;
    private readonly Dictionary<string, TensorInfo> _tensors;

    /// <param name="source">The source, which is disposed with this.</param>
    /// <param name="names">The source's name for each of the new names.</param>
    public RenamedTensors(ITensorSource source, Dictionary<string, string> names)
    {
        _source = source;
        _names = names;
        _tensors = names.ToDictionary(n => n.Key, n => source.Tensors[n.Value] with { Name = n.Key }, StringComparer.Ordinal);
    }

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    public void ReadFloat32(string name, Span<float> destination, long offset = 0) =>
        _source.ReadFloat32(Original(name), destination, offset);

    public void ReadBytes(string name, Span<byte> destination, long offset = 0) => _source.ReadBytes(Original(name), destination, offset);

    public bool TryGetBytes(string name, out ReadOnlySpan<byte> bytes) => _source.TryGetBytes(Original(name), out bytes);

    public void Dispose() => _source.Dispose();

    private string Original(string name) =>
        _names.TryGetValue(name, out var original) ? original : throw new ArgumentException($"no tensor \"{name}\"", nameof(name));
}
