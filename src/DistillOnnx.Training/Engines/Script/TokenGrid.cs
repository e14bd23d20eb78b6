namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Sequences as tokens one after another, and where each lies in the grid of rows and columns that attention needs. Tokens that only fill
/// up lie in cells that no sequence uses.
/// </summary>
internal sealed class TokenGrid
{
    /// <param name="lengths">Tokens of each row.</param>
    /// <param name="rows">Rows of the grid.</param>
    /// <param name="columns">Columns of the grid.</param>
    /// <param name="fillers">Tokens that only fill up, after those of the row of each number; at most the cells that are left.</param>
    public TokenGrid(IReadOnlyList<int> lengths, int rows, int columns, IReadOnlyDictionary<int, int> fillers)
    {
        var cells = new List<long>();
        Tokens = new long[rows * columns];
        var (freeRow, freeColumn) = (0, lengths.Count > 0 ? lengths[0] : 0);
        for (var r = 0; r < lengths.Count; r++)
        {
            for (var c = 0; c < lengths[r]; c++) Put((r * columns) + c);
            for (var f = fillers.GetValueOrDefault(r); f > 0; f--) Put(NextFree());
        }

        Cells = [.. cells];

        void Put(int cell)
        {
            Tokens[cell] = cells.Count;
            cells.Add(cell);
        }

        int NextFree()
        {
            while (freeColumn >= columns) (freeRow, freeColumn) = (freeRow + 1, freeRow + 1 < lengths.Count ? lengths[freeRow + 1] : 0);
            return (freeRow * columns) + freeColumn++;
        }
    }

    /// <summary>The cell of each token.</summary>
    public long[] Cells { get; }

    /// <summary>The token of each cell; where there is none, 0.</summary>
    public long[] Tokens { get; }
}
