using DistillOnnx.Core;

namespace DistillOnnx.Toolchain.Import;

/// <summary>The row that names a table's columns.</summary>
internal static class TableHeader
{
    /// <summary>The names, without the spaces around them; that of a column without one is empty.</summary>
    /// <param name="file">The file.</param>
    /// <param name="row">The row's number, from 1.</param>
    /// <param name="cells">Its cells.</param>
    /// <exception cref="InputException">All are empty, or a name occurs twice.</exception>
    public static string[] Of(string file, int row, IEnumerable<string?> cells)
    {
        string[] header = [.. cells.Select(c => c?.Trim() ?? "")];
        if (header.All(h => h.Length == 0)) throw Empty(file, row);
        if (header.GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Key.Length > 0 && g.Count() > 1) is { } twice)
            throw new InputException(
                $"{file}: row {row}: column \"{InputText.Show(twice.Key)}\" occurs twice; rename one, or say by --header-row which row "
                + "names the columns");
        return header;
    }

    /// <summary>How columns are found by their names: ignoring case, unless names differ by case alone.</summary>
    /// <param name="header">The names.</param>
    public static StringComparer Comparer(IReadOnlyList<string> header)
    {
        var named = header.Where(h => h.Length > 0).ToList();
        return named.Distinct(StringComparer.OrdinalIgnoreCase).Count() == named.Count
            ? StringComparer.OrdinalIgnoreCase
            : StringComparer.Ordinal;
    }

    /// <summary>The fault of a file whose header is not there.</summary>
    public static InputException Empty(string file, int row) => new(
        $"{file}: row {row}: expected the names of the columns, found an empty row; --header-row says which row has them");
}
