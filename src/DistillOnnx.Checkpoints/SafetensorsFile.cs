using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>One safetensors file, mapped.</summary>
public sealed class SafetensorsFile : ITensorSource
{
    private readonly MappedFile _file;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(MappedFile file, SafetensorsHeader header)
    {
        _file = file;
        _header = header;
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _header.Tensors;

    /// <summary>The file's own notes, for instance <c>format</c> → <c>pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Maps a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file is missing, cut, or not well-formed safetensors.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(path);
        try
        {
            return new SafetensorsFile(file, SafetensorsHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void ReadFloat32(string name, Span<float> destination, long offset = 0) =>
        MappedTensor.ReadFloat32(_file, Info(name), _header.Offsets[name], destination, offset);

    /// <inheritdoc/>
    public void ReadBytes(string name, Span<byte> destination, long offset = 0) =>
        MappedTensor.ReadBytes(_file, Info(name), _header.Offsets[name], destination, offset);

    /// <inheritdoc/>
    public bool TryGetBytes(string name, out ReadOnlySpan<byte> bytes) =>
        MappedTensor.TryGetBytes(_file, Info(name), _header.Offsets[name], out bytes);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private TensorInfo Info(string name) =>
        Tensors.TryGetValue(name, out var info) ? info : throw new ArgumentException($"{_file.Path}: no tensor \"{name}\"", nameof(name));
}
