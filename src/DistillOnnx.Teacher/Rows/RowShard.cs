using System.Globalization;

namespace DistillOnnx.Teacher.Rows;

/// <summary>One part of a dataset's rows: those whose position leaves <see cref="Index"/> when divided by <see cref="Count"/>.</summary>
/// <param name="Index">From 0 to below <see cref="Count"/>.</param>
/// <param name="Count">Number of parts.</param>
public readonly record struct RowShard(int Index, int Count)
{
    /// <summary>All rows.</summary>
    public static RowShard All { get; } = new(0, 1);

    /// <summary>Whether a row belongs to the part.</summary>
    /// <param name="position">The row's position within its split, from 0.</param>
    public bool Has(long position) => position % Count == Index;

    /// <summary>Reads <c>i/n</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="shard">The part.</param>
    public static bool TryParse(string text, out RowShard shard)
    {
        shard = All;
        var parts = text.Split('/');
        if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || index >= count) return false;
        shard = new RowShard(index, count);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Index}/{Count}");
}
