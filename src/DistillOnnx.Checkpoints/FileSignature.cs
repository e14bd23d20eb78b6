namespace DistillOnnx.Checkpoints;

/// <summary>Says what a file seems to be that is not what its name promises, so that a message can tell what to do.</summary>
internal static class FileSignature
{
    /// <summary>A few words on the first bytes of a file.</summary>
    public static string Describe(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("version https://git-lfs"u8)) return "a git-lfs pointer: fetch the file itself";
        if (start.StartsWith("PK\x03\x04"u8)) return "a zip archive";
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B])) return "a gzip file";
        if (start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'H', (byte)'D', (byte)'F']))
            return "an HDF5 file, which is of another framework";
        if (start.Length > 262 && start[257..].StartsWith("ustar"u8))
            return "a tar archive, as PyTorch wrote before 0.1.10; load and save it with a newer one";
        if (start.StartsWith("<"u8)) return "an HTML or XML page, perhaps of a failed download";
        if (start.StartsWith("{"u8)) return "JSON text";
        if (start.Length > 9 && start[8] == (byte)'{') return "what looks like safetensors";
        return $"bytes {Convert.ToHexString(start[..Math.Min(8, start.Length)])}";
    }
}
