using System.Security.Cryptography;
using System.Text;

namespace DistillOnnx.Core.Data;

/// <summary>
/// Tells whether an id occurred before. Keeps 128 bits of a digest per id instead of the text, so that a million rows cost
/// tens of megabytes whatever their ids look like.
/// </summary>
internal sealed class IdSet
{
    private readonly HashSet<UInt128> _seen = [];

    /// <summary>Adds an id.</summary>
    /// <param name="id">The id.</param>
    /// <returns>False where it is there already.</returns>
    public bool Add(string id)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(id), digest);
        return _seen.Add(System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(digest));
    }
}
