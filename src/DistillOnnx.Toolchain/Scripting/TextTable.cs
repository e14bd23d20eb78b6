namespace DistillOnnx.Toolchain.Scripting;

/// <summary>Tables as lines of text for a terminal.</summary>
internal static class TextTable
{
    /// <summary>Pads cells to the width of their column.</summary>
    /// <param name="rows">Rows of equally many cells, the head first.</param>
    /// <param name="leftColumns">Columns, from the first, that are aligned to the left; the others to the right.</param>
    public static IReadOnlyList<string> Lines(IReadOnlyList<IReadOnlyList<string>> rows, int leftColumns)
    {
        var widths = rows[0].Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        string Cell(string text, int column) => column < leftColumns ? text.PadRight(widths[column]) : text.PadLeft(widths[column]);
        return [.. rows.Select(row => string.Join("  ", row.Select(Cell)).TrimEnd())];
    }
}
