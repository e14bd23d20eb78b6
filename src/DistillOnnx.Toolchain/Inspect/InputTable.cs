using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>
/// A split's inputs as 128 bits of their digests, each with a digest of its first gold label. Beyond some ten thousand they lie in
/// a temporary file, so that memory is the same for a million rows.
/// </summary>
internal sealed class InputTable : IDisposable
{
    private const long Conflict = 1L << 61;
    private const long LabelBits = Conflict - 1;
    private readonly KeyTable _table = new();

    /// <summary>A row's key: its input, and the choices that belong to the question.</summary>
    public static UInt128 Key(Example row) =>
        KeyTable.Digest(row.Choices is null ? row.Input : $"{row.Input}\0{string.Join('\0', row.Choices)}");

    /// <summary>Hash of the label; 0 where there is none.</summary>
    public static long Label(string? label) => label is null ? 0 : ((long)(ulong)KeyTable.Digest(label) & LabelBits) | 1;

    /// <summary>Hash of an input's first label: −1 where the input was not added, 0 where it has no label.</summary>
    public long Find(UInt128 key) => _table.Find(key) is var value and >= 0 ? value & LabelBits : -1;

    /// <summary>Adds a row.</summary>
    /// <returns>Whether its input was added before, and whether this row is the first that contradicts an earlier label.</returns>
    public (bool Repeated, bool Contradicts) Add(UInt128 key, long label)
    {
        var value = _table.Find(key);
        if (value < 0)
        {
            _table.Set(key, label);
            return (false, false);
        }

        if (label == 0 || (value & Conflict) != 0 || (value & LabelBits) == label) return (true, false);
        var first = (value & LabelBits) == 0;
        _table.Set(key, first ? label : value | Conflict);
        return (true, !first);
    }

    public void Dispose() => _table.Dispose();
}
