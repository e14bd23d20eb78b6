namespace DistillOnnx.Toolchain.Export;

/// <summary>A batch of made-up tokens on which graphs and checkpoint are compared: padded rows, and what the decoder reads.</summary>
internal sealed class ParityCase
{
    private ParityCase(int[] lengths, int decoded, int vocabulary, int padId, int startId, int seed)
    {
        var random = new Random(seed);
        Rows = lengths.Length;
        Length = lengths.Max();
        Decoded = decoded;
        InputIds = new long[Rows * Length];
        AttentionMask = new long[Rows * Length];
        DecoderInputIds = new long[Rows * decoded];
        Array.Fill(InputIds, padId);
        for (var row = 0; row < Rows; row++)
        {
            for (var i = 0; i < lengths[row]; i++)
            {
                InputIds[(row * Length) + i] = random.Next(vocabulary);
                AttentionMask[(row * Length) + i] = 1;
            }

            DecoderInputIds[row * decoded] = startId;
            for (var i = 1; i < decoded; i++) DecoderInputIds[(row * decoded) + i] = random.Next(vocabulary);
        }
    }

    /// <summary>B.</summary>
    public int Rows { get; }

    /// <summary>S.</summary>
    public int Length { get; }

    /// <summary>T.</summary>
    public int Decoded { get; }

    /// <summary>[B, S].</summary>
    public long[] InputIds { get; }

    /// <summary>[B, S].</summary>
    public long[] AttentionMask { get; }

    /// <summary>[B, T], the start token first.</summary>
    public long[] DecoderInputIds { get; }

    /// <summary>
    /// The cases of a model: one row and several, short and past the logarithmic buckets of the relative positions, with and
    /// without padding.
    /// </summary>
    /// <param name="vocabulary">Token ids are below this.</param>
    /// <param name="padId">Padding.</param>
    /// <param name="startId">What the decoder reads first.</param>
    public static IReadOnlyList<ParityCase> Cases(int vocabulary, int padId, int startId) =>
    [
        new([1], 1, vocabulary, padId, startId, 1),
        new([9], 4, vocabulary, padId, startId, 2),
        new([17, 5, 11], 5, vocabulary, padId, startId, 3),
        new([40, 40, 3, 28, 1], 3, vocabulary, padId, startId, 4),
        new([150, 137], 40, vocabulary, padId, startId, 5),
    ];
}
