namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>A file within a zip archive that is stored as it is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Offset">Where its bytes begin in the archive.</param>
/// <param name="Length">How many they are.</param>
/// <param name="Crc32">Their checksum.</param>
internal sealed record ZipEntry(string Name, long Offset, long Length, uint Crc32);
