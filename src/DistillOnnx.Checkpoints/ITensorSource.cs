using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// Named tensors in files that are mapped, not read: values are fetched when asked for, and the pages they stand on are the
/// operating system's, so the only copy of the weights is the caller's. May be used from several threads.
/// </summary>
public interface ITensorSource : IDisposable
{
    /// <summary>All tensors by name.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>Reads a whole tensor, or a run of its elements in row-major order, as single precision.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="destination">Receives the values; its length says how many.</param>
    /// <param name="offset">Position of the first element.</param>
    /// <exception cref="ArgumentException">There is no such tensor, or the run does not lie within it.</exception>
    /// <exception cref="InputException">The tensor's type is none of F32, F16 and BF16.</exception>
    void ReadFloat32(string name, Span<float> destination, long offset = 0);

    /// <summary>Reads the bytes of a run of elements as they are stored: little-endian, row-major.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="destination">Receives the bytes; its length says how many, a multiple of the element size.</param>
    /// <param name="offset">Position of the first byte, a multiple of the element size.</param>
    /// <exception cref="ArgumentException">There is no such tensor, or the run does not lie within it.</exception>
    void ReadBytes(string name, Span<byte> destination, long offset = 0);

    /// <summary>The tensor's bytes where they stand in the mapped file.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="bytes">The bytes, valid until the source is disposed.</param>
    /// <returns>False where they do not stand there in one row-major run, or are more than a span can cover (2 GB): then use
    /// <see cref="ReadBytes"/>.</returns>
    /// <exception cref="ArgumentException">There is no such tensor.</exception>
    bool TryGetBytes(string name, out ReadOnlySpan<byte> bytes);
}
