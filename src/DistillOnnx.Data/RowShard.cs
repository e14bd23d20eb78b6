using System.Globalization;

namespace DistillOnnx.Data;

/// <summary>
/// The part of the rows that one of several machines works on: those whose position leaves <see cref="Index"/> when divided by
/// <see cref="Count"/>.
/// </summary>
/// <param name="Index">Which part, from 0.</param>
/// <param name="Count">How many parts there are.</param>
public readonly record struct RowShard(int Index, int Count)
{
    /// <summary>All rows.</summary>
    public static RowShard Whole { get; } = new(0, 1);

    /// <summary>Whether a row belongs to this part.</summary>
    /// <param name="row">The row's position, from 0.</param>
    public bool Contains(long row) => row % Count == Index;

    /// <summary>Reads <c>i/n</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Null where the text is none or i is not below n.</returns>
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

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Index}/{Count}");
}
