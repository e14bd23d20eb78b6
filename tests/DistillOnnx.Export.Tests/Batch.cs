namespace DistillOnnx.Export.Tests;

/// <summary>Rows of tokens padded to one length.</summary>
internal sealed record Batch(int[][] Rows, long[] Ids, long[] Mask, int Length)
{
    public long[] Shape => [Rows.Length, Length];

    /// <summary>Pads rows on the right.</summary>
    public static Batch Of(params int[][] rows)
    {
        var length = rows.Max(r => r.Length);
        var (ids, mask) = (new long[rows.Length * length], new long[rows.Length * length]);
        for (var row = 0; row < rows.Length; row++)
        {
            for (var i = 0; i < rows[row].Length; i++) (ids[(row * length) + i], mask[(row * length) + i]) = (rows[row][i], 1);
        }

        return new Batch(rows, ids, mask, length);
    }

    /// <summary>Rows of seeded random tokens of the given lengths.</summary>
    public static Batch Random(int seed, int vocabulary, params int[] lengths)
    {
        var random = new Random(seed);
        return Of([.. lengths.Select(n => Enumerable.Range(0, n).Select(_ => random.Next(3, vocabulary)).ToArray())]);
    }
}
