using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// In which row of attention's grids each sequence lies, and where. Short sequences share a row, in which each sees only itself:
/// attention's kernels work on blocks, which cost the same however little of one is used.
/// </summary>
internal sealed class GridPlan
{
    /// <summary>
    /// Rows that are looked at for a sequence, the last ones, so that thousands of short ones do not look at thousands of rows.
    /// </summary>
    private const int Looked = 64;

    private readonly (int Row, int Source, int Target)[] _places;

    /// <param name="sequences">At least one.</param>
    /// <param name="sourceColumns">Columns of the encoder's grid; the longest source fits.</param>
    /// <param name="targetColumns">Most columns of the decoder's grid; the longest target fits.</param>
    public GridPlan(IReadOnlyList<TrainingSequence> sequences, int sourceColumns, int targetColumns)
    {
        _places = new (int, int, int)[sequences.Count];
        var used = new List<(int Source, int Target)>();
        foreach (var i in Enumerable.Range(0, sequences.Count).OrderByDescending(i => sequences[i].Source.Length))
        {
            var (source, target) = (sequences[i].Source.Length, sequences[i].Target.Length);
            var row = Math.Max(0, used.Count - Looked);
            while (row < used.Count && (used[row].Source + source > sourceColumns || used[row].Target + target > targetColumns)) row++;
            if (row == used.Count) used.Add((0, 0));
            _places[i] = (row, used[row].Source, used[row].Target);
            used[row] = (used[row].Source + source, used[row].Target + target);
        }

        Rows = used.Count;
        TargetColumns = used.Max(u => u.Target);
    }

    /// <summary>Rows that hold sequences.</summary>
    public int Rows { get; }

    /// <summary>Columns of the decoder's grid that are needed.</summary>
    public int TargetColumns { get; }

    /// <summary>The row of each sequence.</summary>
    public int Row(int sequence) => _places[sequence].Row;

    /// <summary>The column of each sequence's first token in the encoder's grid.</summary>
    public int Source(int sequence) => _places[sequence].Source;

    /// <summary>The column of each sequence's first token in the decoder's grid.</summary>
    public int Target(int sequence) => _places[sequence].Target;
}
