using System.Buffers;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>A growing run of bytes over pooled memory.</summary>
internal ref struct ByteBuffer
{
    private byte[] _bytes;

    /// <summary>Rents memory.</summary>
    /// <param name="capacity">Bytes expected.</param>
    public ByteBuffer(int capacity) => _bytes = ArrayPool<byte>.Shared.Rent(capacity);

    /// <summary>Bytes written; may be lowered to drop the last ones.</summary>
    public int Length { get; set; }

    /// <summary>What was written.</summary>
    public readonly ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>Writes behind what is there.</summary>
    /// <param name="bytes">What to write.</param>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _bytes.Length - Length) Grow(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        Length = 0;
    }

    private void Grow(int extra)
    {
        var larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(_bytes.Length * 2, Length + extra)));
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
