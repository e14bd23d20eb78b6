using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Rows of some format, split by split. A split may be read more than once and gives the same rows each time.</summary>
internal interface IImportSource
{
    /// <summary>What the rows ask.</summary>
    TaskSpec Task { get; }

    /// <summary>The splits that are there.</summary>
    IReadOnlyList<string> Splits { get; }

    /// <summary>The files that a split is read from.</summary>
    /// <param name="split">One of <see cref="Splits"/>.</param>
    IReadOnlyList<string> Files(string split);

    /// <summary>What the user gave and no row needed, as one line; null where all was of use. Known once the rows are read.</summary>
    string? Unused => null;

    /// <summary>Reads a split.</summary>
    /// <param name="split">One of <see cref="Splits"/>.</param>
    /// <exception cref="Core.InputException">A file cannot be read or a row makes no sense.</exception>
    IEnumerable<ImportedRow> Rows(string split);
}
