using static TorchSharp.torch;

namespace DistillOnnx.Training.Optimizers;

/// <summary>Parameters of one shape at equal distances in flat memory.</summary>
/// <param name="Count">How many.</param>
/// <param name="Shape">Of each: [rows] or [rows, columns].</param>
/// <param name="Offset">The first weight of the first one.</param>
/// <param name="Stride">From one to the next.</param>
/// <param name="Row">Its first row among the rows of all parameters.</param>
/// <param name="RowStride">From one to the next.</param>
/// <param name="Column">Its first column among the columns of all matrices.</param>
/// <param name="ColumnStride">From one to the next.</param>
internal sealed record ParameterGroup(
    long Count, long[] Shape, long Offset, long Stride, long Row, long RowStride, long Column, long ColumnStride)
{
    /// <summary>Whether these are matrices.</summary>
    public bool IsMatrix => Shape.Length == 2;

    /// <summary>The group with one more at its end; null: that lies at another distance.</summary>
    public ParameterGroup? Followed(ParameterGroup next)
    {
        var last = Count - 1;
        var (stride, rows, columns) = (
            next.Offset - Offset - (last * Stride), next.Row - Row - (last * RowStride), next.Column - Column - (last * ColumnStride));
        return Count == 1 || (stride, rows, columns) == (Stride, RowStride, ColumnStride)
            ? this with { Count = Count + 1, Stride = stride, RowStride = rows, ColumnStride = columns }
            : null;
    }

    /// <summary>The parameters themselves in a flat tensor: [count, rows] or [count, rows, columns].</summary>
    public Tensor Of(Tensor flat) => IsMatrix
        ? flat.as_strided([Count, Shape[0], Shape[1]], [Stride, Shape[1], 1], Offset)
        : flat.as_strided([Count, Shape[0]], [Stride, 1], Offset);

    /// <summary>Their rows in a tensor of all parameters' rows: [count, rows].</summary>
    public Tensor RowsOf(Tensor flat) => flat.as_strided([Count, Shape[0]], [RowStride, 1], Row);

    /// <summary>Their columns in a tensor of all matrices' columns: [count, columns].</summary>
    public Tensor ColumnsOf(Tensor flat) => flat.as_strided([Count, Shape[1]], [ColumnStride, 1], Column);
}
