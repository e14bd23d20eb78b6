namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// Rounds the shapes of batches up, so that few distinct ones occur: on a GPU the first call of each shape searches for kernels and
/// allocates, which costs more than the padding.
/// </summary>
/// <param name="Length">Lengths become multiples of this, from eight times this on multiples of four times this; 1: they stay.</param>
/// <param name="Rows">Numbers of rows become multiples of this; 1: they stay.</param>
internal sealed record ShapeSteps(int Length, int Rows)
{
    /// <summary>Shapes as they are: for processors, where a shape costs nothing and padding does.</summary>
    public static ShapeSteps None { get; } = new(1, 1);

    /// <summary>For GPUs. Multiples of 8 also suit their matrix units and attention kernels.</summary>
    public static ShapeSteps Gpu { get; } = new(16, 8);

    /// <summary>A sequence's length, padding included.</summary>
    public int PaddedLength(int length)
    {
        var step = Length > 1 && length > 8 * Length ? 4 * Length : Length;
        return (length + step - 1) / step * step;
    }

    /// <summary>A number of rows, empty ones included.</summary>
    public int PaddedRows(int rows) => (rows + Rows - 1) / Rows * Rows;
}
