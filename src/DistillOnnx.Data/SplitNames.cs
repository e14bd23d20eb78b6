using DistillOnnx.Core;

namespace DistillOnnx.Data;

/// <summary>The splits that a dataset may have and the files that hold them.</summary>
public static class SplitNames
{
    /// <summary>The rows that a student learns from.</summary>
    public const string Train = "train";

    /// <summary>The rows that select a checkpoint and fit the calibration.</summary>
    public const string Validation = "validation";

    /// <summary>The rows that are only ever measured on.</summary>
    public const string Test = "test";

    /// <summary>All names, in the order in which they are listed and written.</summary>
    public static IReadOnlyList<string> All { get; } = [Train, Validation, Test];

    /// <summary>The file that holds a split within a dataset directory.</summary>
    /// <param name="split">One of <see cref="All"/>.</param>
    public static string FileName(string split) => split + ".jsonl";

    /// <summary>Checks a name that a user gave.</summary>
    /// <param name="split">The name.</param>
    /// <exception cref="InputException">No split has this name.</exception>
    public static void Require(string split)
    {
        if (!All.Contains(split, StringComparer.Ordinal))
            throw new InputException($"no split is named \"{split}\"; expected one of {string.Join(", ", All)}");
    }
}
