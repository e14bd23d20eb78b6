namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Sequences as tokens one after another, and where each lies in the grid of rows and columns that attention needs. Tokens that only fill
/// up lie in cells that no sequence uses.
/// </summary>
internal sealed class TokenGrid
{
    /// <param name="starts">The cell of each sequence's first token; its others follow.</param>
    /// <param name="lengths">Tokens of each sequence.</param>
    /// <param name="cells">Cells of the grid.</param>
    /// <param name="fillers">Tokens that only fill up, after those of the sequence of each number; at most the cells that are left.</param>
    public TokenGrid(
        IReadOnlyList<int> starts, IReadOnlyList<int> lengths, int cells, IReadOnlyDictionary<int, int> fillers)
    {
        var places = new List<long>();
        Tokens = new long[cells];
        Sequences = new long[cells];
        for (var s = 0; s < lengths.Count; s++) Sequences.AsSpan(starts[s], lengths[s]).Fill(s + 1);
        var free = 0;
        for (var s = 0; s < lengths.Count; s++)
        {
            for (var i = 0; i < lengths[s]; i++) Put(starts[s] + i);
            for (var f = fillers.GetValueOrDefault(s); f > 0; f--)
            {
                while (Sequences[free] != 0) free++;
                Put(free++);
            }
        }

        Cells = [.. places];

        void Put(int cell)
        {
            Tokens[cell] = places.Count;
            places.Add(cell);
        }
    }

    /// <summary>The cell of each token.</summary>
    public long[] Cells { get; }

    /// <summary>The token of each cell; where there is none, 0.</summary>
    public long[] Tokens { get; }

    /// <summary>The number of each cell's sequence, from 1 on; where there is none, 0.</summary>
    public long[] Sequences { get; }
}
