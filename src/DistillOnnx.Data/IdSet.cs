using DistillOnnx.Core;

namespace DistillOnnx.Data;

/// <summary>
/// Tells whether an id occurred before. Keeps 128 bits of a digest per id instead of the text, beyond some ten thousand of
/// them in a temporary file, so that memory is the same for a million rows.
/// </summary>
public sealed class IdSet : IDisposable
{
    private readonly KeyTable _seen = new();

    /// <summary>Adds an id.</summary>
    /// <param name="id">The id.</param>
    /// <returns>False where it is there already.</returns>
    public bool Add(string id) => _seen.Set(KeyTable.Digest(id), 0);

    /// <summary>Adds the id of a row, or says that an earlier row has it.</summary>
    /// <param name="id">The id.</param>
    /// <param name="row">The row's number.</param>
    /// <returns>The fault, which names the earlier row; null where the id is new.</returns>
    public string? Fault(string id, long row)
    {
        var key = KeyTable.Digest(id);
        if (_seen.Find(key) is >= 0 and var first) return $"{Repeated(id)}, first in row {first}";
        _seen.Set(key, row);
        return null;
    }

    /// <summary>The fault of a row whose id occurred before.</summary>
    /// <param name="id">The id.</param>
    public static string Repeated(string id) => $"\"id\": expected a new one, found \"{InputText.Show(id)}\" a second time";

    /// <summary>Removes the temporary file.</summary>
    public void Dispose() => _seen.Dispose();
}
