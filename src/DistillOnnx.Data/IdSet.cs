using System.Security.Cryptography;
using System.Text;

namespace DistillOnnx.Data;

/// <summary>
/// Tells whether an id occurred before. Keeps 128 bits of a digest per id instead of the text, beyond some ten thousand of
/// them in a temporary file, so that memory is the same for a million rows.
/// </summary>
internal sealed class IdSet : IDisposable
{
    private readonly KeyTable _seen = new();

    /// <summary>Adds an id.</summary>
    /// <param name="id">The id.</param>
    /// <returns>False where it is there already.</returns>
    public bool Add(string id)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(id), digest);
        return _seen.Set(System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(digest), 0);
    }

    /// <summary>Removes the temporary file.</summary>
    public void Dispose() => _seen.Dispose();
}
