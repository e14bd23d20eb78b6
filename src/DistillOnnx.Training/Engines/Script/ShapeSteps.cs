using System.Numerics;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Rounds the shapes of batches up, so that few distinct ones occur: on a GPU the first call of each shape searches for kernels and
/// allocates, which costs more than the padding.
/// </summary>
/// <param name="Length">Lengths become multiples of this, from eight times this on multiples of four times this; 1: they stay.</param>
/// <param name="Rows">Numbers of rows become multiples of this; 1: they stay.</param>
/// <param name="Tokens">Numbers of tokens become multiples of this or, where that is more, of a sixteenth of the power of two below them;
/// 1: they stay.</param>
/// <param name="Block">Columns that a grid has at least: those of a block of attention's kernels, which short sequences share.</param>
internal sealed record ShapeSteps(int Length, int Rows, int Tokens, int Block)
{
    private const int StepsOfAPower = 16;

    /// <summary>Shapes as they are: for processors, where a shape costs nothing and padding does.</summary>
    public static ShapeSteps None { get; } = new(1, 1, 1, 1);

    /// <summary>For GPUs. Multiples of 8 also suit their matrix units and attention kernels.</summary>
    public static ShapeSteps Gpu { get; } = new(16, 8, 64, 64);

    /// <summary>A sequence's length, padding included.</summary>
    public int PaddedLength(int length) => Up(length, Length > 1 && length > 8 * Length ? 4 * Length : Length);

    /// <summary>A number of rows, empty ones included.</summary>
    public int PaddedRows(int rows) => Up(rows, Rows);

    /// <summary>A number of tokens, those included that only fill up; of none, none.</summary>
    public int PaddedTokens(int tokens) => Tokens == 1 || tokens == 0
        ? tokens
        : Up(tokens, Math.Max(Tokens, (int)BitOperations.RoundUpToPowerOf2((uint)(tokens + 1)) / 2 / StepsOfAPower));

    private static int Up(int value, int step) => (value + step - 1) / step * step;
}
