using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// Writes a safetensors file as a stream: the header first, from names, types and shapes, then the values tensor by tensor in
/// that order. The same tensors give the same bytes. The file appears under its name when <see cref="Complete"/> is called
/// and every tensor is there; disposed before that, it leaves nothing behind.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private const int BufferBytes = 1 << 20;
    private readonly IReadOnlyList<TensorInfo> _tensors;
    private readonly AtomicFile _file;
    private int _current;
    private long _written;

    private SafetensorsWriter(AtomicFile file, IReadOnlyList<TensorInfo> tensors)
    {
        _file = file;
        _tensors = tensors;
    }

    /// <summary>Opens the file and writes its header.</summary>
    /// <param name="path">Where the file will stand; an earlier one is replaced at the end.</param>
    /// <param name="tensors">All tensors in the order in which their values will come.</param>
    /// <param name="metadata">Notes for the header; null: <c>format: pt</c>, which transformers asks for.</param>
    /// <exception cref="ArgumentException">A name stands twice.</exception>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public static SafetensorsWriter Create(
        string path, IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var header = Header(tensors, metadata ?? new Dictionary<string, string> { ["format"] = "pt" });
        var file = AtomicFile.Create(path);
        file.Stream.Write(BitConverter.GetBytes((ulong)header.Length));
        file.Stream.Write(header.Span);
        return new SafetensorsWriter(file, tensors);
    }

    /// <summary>Writes every tensor of a source, bit by bit, in the source's order or in one of the caller's.</summary>
    /// <param name="path">Where the file will stand.</param>
    /// <param name="source">The tensors.</param>
    /// <param name="names">Which of them and in what order; null: all.</param>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public static void Copy(string path, ITensorSource source, IEnumerable<string>? names = null)
    {
        var tensors = (names ?? source.Tensors.Keys).Select(n => source.Tensors[n]).ToList();
        using var writer = Create(path, tensors);
        foreach (var tensor in tensors) writer.Write(source, tensor.Name);
        writer.Complete();
    }

    /// <summary>
    /// Writes values of the current tensor, which is the first unless it is full; converts them where its type is a 16-bit one.
    /// </summary>
    /// <param name="name">The tensor, to make sure that both sides mean the same.</param>
    /// <param name="values">All its values, or the next ones.</param>
    /// <exception cref="ArgumentException">Another tensor is due, or these are more values than it has left.</exception>
    public void Write(string name, ReadOnlySpan<float> values)
    {
        var info = Due(name);
        if (!info.Type.IsWeight())
            throw new ArgumentException(
                $"tensor {name} has type {info.Type.Code()}, which single precision cannot be written to", nameof(name));
        if (info.Type == TensorType.Float32)
        {
            Append(info, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values));
            return;
        }

        var size = info.Type.Size();
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        while (!values.IsEmpty)
        {
            var count = Math.Min(values.Length, BufferBytes / size);
            FloatConversion.FromSingle(info.Type, values[..count], buffer.AsSpan(0, count * size));
            Append(info, buffer.AsSpan(0, count * size));
            values = values[count..];
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Writes bytes of the current tensor as they are: little-endian, row-major.</summary>
    /// <param name="name">The tensor, to make sure that both sides mean the same.</param>
    /// <param name="bytes">All its bytes, or the next ones.</param>
    /// <exception cref="ArgumentException">Another tensor is due, or these are more bytes than it has left.</exception>
    public void Write(string name, ReadOnlySpan<byte> bytes) => Append(Due(name), bytes);

    /// <summary>Writes the current tensor from a source that has one of this name, type and shape.</summary>
    /// <param name="source">The source.</param>
    /// <param name="name">The tensor.</param>
    /// <exception cref="ArgumentException">Another tensor is due, or the source's differs.</exception>
    public void Write(ITensorSource source, string name)
    {
        var info = Due(name);
        if (source.Tensors[name].Type != info.Type || source.Tensors[name].ByteCount != info.ByteCount)
            throw new ArgumentException($"tensor {name} differs from the one announced", nameof(source));
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        for (var offset = 0L; offset < info.ByteCount;)
        {
            var span = buffer.AsSpan(0, (int)Math.Min(BufferBytes, info.ByteCount - offset));
            source.ReadBytes(name, span, offset);
            Append(info, span);
            offset += span.Length;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Checks that every tensor is whole and puts the file in place, on disk.</summary>
    /// <exception cref="InvalidOperationException">A tensor is missing or short.</exception>
    public void Complete()
    {
        SkipFull();
        if (_current < _tensors.Count)
            throw new InvalidOperationException($"tensor {_tensors[_current].Name} has {_written} of {_tensors[_current].ByteCount} bytes");
        _file.Commit();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static ReadOnlyMemory<byte> Header(IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal)) json.WriteString(key, value);
            json.WriteEndObject();
            var position = 0L;
            foreach (var tensor in tensors)
            {
                if (!names.Add(tensor.Name)) throw new ArgumentException($"tensor {tensor.Name} stands twice", nameof(tensors));
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.Code());
                json.WriteStartArray("shape");
                foreach (var dimension in tensor.Shape) json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(position);
                json.WriteNumberValue(position += tensor.ByteCount);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Spaces bring the values to a multiple of eight bytes, so that a reader may map them as they are.
        while (buffer.WrittenCount % 8 != 0) buffer.Write(" "u8);
        return buffer.WrittenMemory;
    }

    private TensorInfo Due(string name)
    {
        SkipFull(name);
        var due = _current < _tensors.Count ? _tensors[_current] : null;
        return due?.Name == name
            ? due
            : throw new ArgumentException($"expected values of tensor {due?.Name ?? "(none left)"}, got those of {name}", nameof(name));
    }

    private void Append(TensorInfo info, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > info.ByteCount - _written)
            throw new ArgumentException(
                $"tensor {info.Name} has {info.ByteCount - _written} bytes left, got {bytes.Length}", nameof(bytes));
        _file.Stream.Write(bytes);
        _written += bytes.Length;
    }

    // A tensor without elements is full from the start, and may be written all the same.
    private void SkipFull(string? until = null)
    {
        while (_current < _tensors.Count && _written == _tensors[_current].ByteCount && _tensors[_current].Name != until)
        {
            _current++;
            _written = 0;
        }
    }
}
