using System.Security.Cryptography;

namespace DistillOnnx.Core.Bundles;

/// <summary>What a file of a bundle must be.</summary>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its SHA-256 in lower-case hexadecimal.</param>
public sealed record BundleFile(long Bytes, string Sha256)
{
    /// <summary>Measures a file.</summary>
    /// <param name="path">The file.</param>
    public static BundleFile Of(string path)
    {
        using var stream = new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 1 << 16 });
        return new BundleFile(stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }
}
