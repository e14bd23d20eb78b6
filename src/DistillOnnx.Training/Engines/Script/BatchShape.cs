namespace DistillOnnx.Training.Engines.Script;

/// <summary>The sizes of the tensors of a batch. Whatever is smaller in every one can be filled up to it.</summary>
/// <param name="Rows">Rows of the grids that attention uses.</param>
/// <param name="SourceColumns">Columns of the encoder's grid.</param>
/// <param name="TargetColumns">Columns of the decoder's grid.</param>
/// <param name="Sources">Tokens of the encoder.</param>
/// <param name="Labels">Tokens of the decoder that are labels.</param>
/// <param name="Rationales">Tokens of the decoder that are rationales.</param>
/// <param name="Sets">Sets of allowed tokens; 0 where there are none.</param>
/// <param name="SetTokens">Tokens of a set.</param>
internal sealed record BatchShape(
    int Rows, int SourceColumns, int TargetColumns, int Sources, int Labels, int Rationales, int Sets, int SetTokens)
{
    /// <summary>How many times the tokens of a batch those of a shape may be that it is filled up to.</summary>
    private const double MostTokens = 1.15;

    /// <summary>How many times the cells of a batch those of a shape may be that it is filled up to.</summary>
    private const double MostCells = 1.5;

    /// <summary>Tokens of the decoder.</summary>
    public int Targets => Labels + Rationales;

    private long Tokens => Sources + Targets;

    private long Cells => (long)Rows * (SourceColumns + TargetColumns);

    /// <summary>The shape that costs least among those that hold this one at little more cost; null where there is none.</summary>
    /// <param name="known">The shapes to choose from.</param>
    public BatchShape? Within(IEnumerable<BatchShape> known) =>
        known.Where(Fits).MinBy(k => (k.Tokens * Cells) + (k.Cells * Tokens));

    private bool Fits(BatchShape other) =>
        other.Rows >= Rows && other.SourceColumns >= SourceColumns && other.TargetColumns >= TargetColumns
        && other.Sources >= Sources && other.Sets >= Sets && other.SetTokens >= SetTokens && (other.Sets == 0) == (Sets == 0)
        && Part(other.Labels, Labels) && Part(other.Rationales, Rationales)
        && other.Tokens <= MostTokens * Tokens && other.Cells <= MostCells * Cells;

    /// <summary>A part that has tokens cannot be filled up from none, nor the other way round.</summary>
    private static bool Part(int other, int own) => other >= own && (other == 0) == (own == 0);
}
