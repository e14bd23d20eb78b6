namespace DistillOnnx.Training.Engines.Kernels;

/// <summary>Sequences of different lengths, end to end without padding.</summary>
internal sealed class Ragged
{
    /// <param name="sequences">The sequences' tokens.</param>
    public Ragged(IReadOnlyList<int[]> sequences)
    {
        Offsets = new int[sequences.Count + 1];
        for (var i = 0; i < sequences.Count; i++)
        {
            Offsets[i + 1] = Offsets[i] + sequences[i].Length;
            Longest = Math.Max(Longest, sequences[i].Length);
        }

        Ids = new int[Total];
        for (var i = 0; i < sequences.Count; i++) sequences[i].CopyTo(Ids, Offsets[i]);
    }

    /// <summary>All tokens.</summary>
    public int[] Ids { get; }

    /// <summary>Where each sequence begins, and at the end, how many tokens there are.</summary>
    public int[] Offsets { get; }

    /// <summary>Number of sequences.</summary>
    public int Count => Offsets.Length - 1;

    /// <summary>Number of tokens.</summary>
    public int Total => Offsets[^1];

    /// <summary>Length of the longest sequence.</summary>
    public int Longest { get; }

    /// <summary>Length of a sequence.</summary>
    public int Length(int sequence) => Offsets[sequence + 1] - Offsets[sequence];
}
