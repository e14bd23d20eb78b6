using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>Reads of a tensor that stands in a mapped file as one row-major run.</summary>
internal static class MappedTensor
{
    // A multiple of every element size, small enough to stay in the second-level cache.
    private const int Chunk = 1 << 18;

    public static void ReadFloat32(MappedFile file, TensorInfo info, long start, Span<float> destination, long offset)
    {
        if (!info.Type.IsWeight())
            throw new InputException(
                $"{file.Path}: tensor \"{InputText.Show(info.Name)}\": expected F32, F16 or BF16, found {info.Type.Code()}");
        if (offset < 0 || offset > info.ElementCount - destination.Length)
            throw new ArgumentException(
                $"tensor {info.Name} has {info.ElementCount} elements; {destination.Length} from {offset} do not lie within it",
                nameof(offset));
        var size = info.Type.Size();
        var position = start + offset * size;
        while (!destination.IsEmpty)
        {
            var count = Math.Min(destination.Length, Chunk / size);
            FloatConversion.ToSingle(info.Type, file.Slice(position, count * size), destination[..count]);
            destination = destination[count..];
            position += count * size;
        }
    }

    public static void ReadBytes(MappedFile file, TensorInfo info, long start, Span<byte> destination, long offset)
    {
        RequireRun(info, destination.Length, offset);
        file.Slice(start + offset, destination.Length).CopyTo(destination);
    }

    public static bool TryGetBytes(MappedFile file, TensorInfo info, long start, out ReadOnlySpan<byte> bytes)
    {
        var fits = info.ByteCount <= int.MaxValue;
        bytes = fits ? file.Slice(start, (int)info.ByteCount) : default;
        return fits;
    }

    /// <summary>Checks that a run of bytes lies within a tensor and on its elements.</summary>
    public static void RequireRun(TensorInfo info, int count, long offset)
    {
        var size = info.Type.Size();
        if (offset < 0 || offset > info.ByteCount - count || offset % size != 0 || count % size != 0)
            throw new ArgumentException(
                $"tensor {info.Name} has {info.ByteCount} bytes; {count} from {offset} do not lie within it on element boundaries",
                nameof(offset));
    }
}
