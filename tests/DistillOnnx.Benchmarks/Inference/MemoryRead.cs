using System.Numerics.Tensors;

namespace DistillOnnx.Benchmarks.Inference;

/// <summary>Reads so many bytes of memory once, on every core: what weights that are used once cost at the least.</summary>
internal sealed class MemoryRead
{
    private readonly float[][] _parts;

    /// <param name="bytes">How much to read.</param>
    /// <param name="threads">By how many threads.</param>
    public MemoryRead(long bytes, int threads)
    {
        var length = checked((int)(bytes / sizeof(float) / threads));
        _parts = [.. Enumerable.Range(0, threads).Select(_ => new float[length])];
        foreach (var part in _parts) Array.Fill(part, 1f);
    }

    /// <summary>Sums it up.</summary>
    public float Run()
    {
        var sums = new float[_parts.Length];
        Parallel.For(0, _parts.Length, i => sums[i] = TensorPrimitives.Sum(_parts[i]));
        return sums.Sum();
    }
}
