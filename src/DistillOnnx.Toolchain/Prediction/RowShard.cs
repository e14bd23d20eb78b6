using System.Globalization;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>The part of a file's rows that one of several machines works on.</summary>
/// <param name="Index">Which part, from 0.</param>
/// <param name="Count">How many parts there are.</param>
internal readonly record struct RowShard(int Index, int Count)
{
    /// <summary>All rows.</summary>
    public static RowShard Whole { get; } = new(0, 1);

    /// <summary>Whether a row, counted from 0, belongs to this part.</summary>
    public bool Contains(long row) => row % Count == Index;

    /// <summary>Reads <c>i/n</c>; null where the text is none or i is not below n.</summary>
    public static RowShard? TryParse(string text)
    {
        var parts = text.Split('/');
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && index < count
            ? new RowShard(index, count)
            : null;
    }
}
