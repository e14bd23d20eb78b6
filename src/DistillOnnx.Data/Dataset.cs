using System.Security.Cryptography;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;

namespace DistillOnnx.Data;

/// <summary>
/// A dataset directory: <c>task.json</c> and one JSON Lines file a split. Rows are checked as they are read; a fault names
/// its file and row.
/// </summary>
public sealed class Dataset
{
    private Dataset(string directory, TaskSpec task, IReadOnlyList<string> splits)
    {
        Path = directory;
        Task = task;
        Splits = splits;
    }

    /// <summary>The directory.</summary>
    public string Path { get; }

    /// <summary>What the dataset asks.</summary>
    public TaskSpec Task { get; }

    /// <summary>The splits that are there, in the order of <see cref="SplitNames.All"/>.</summary>
    public IReadOnlyList<string> Splits { get; }

    /// <summary>Opens a dataset. Rows are not read yet.</summary>
    /// <param name="directory">The dataset directory.</param>
    /// <exception cref="InputException">There is no such directory, it has no valid <c>task.json</c>, or no split.</exception>
    public static Dataset Open(string directory)
    {
        if (!Directory.Exists(directory))
        {
            throw new InputException(File.Exists(directory)
                ? $"{directory}: expected a dataset directory, found a file"
                : $"{directory}: no such directory; expected a dataset ({TaskSpec.FileName} and {SplitNames.FileName(SplitNames.Train)})");
        }

        var task = TaskSpec.Load(System.IO.Path.Combine(directory, TaskSpec.FileName));
        var splits = SplitNames.All.Where(s => File.Exists(System.IO.Path.Combine(directory, SplitNames.FileName(s)))).ToArray();
        if (splits.Length == 0)
            throw new InputException(
                $"{directory}: expected at least one of {string.Join(", ", SplitNames.All.Select(SplitNames.FileName))}, found none");
        return new Dataset(directory, task, splits);
    }

    /// <summary>Whether a split is there.</summary>
    /// <param name="split">One of <see cref="SplitNames.All"/>.</param>
    public bool Has(string split) => Splits.Contains(split, StringComparer.Ordinal);

    /// <summary>The file that holds a split.</summary>
    /// <param name="split">One of <see cref="Splits"/>.</param>
    /// <exception cref="InputException">The split is not there.</exception>
    public string FilePath(string split)
    {
        SplitNames.Require(split);
        if (!Has(split))
            throw new InputException(
                $"{System.IO.Path.Combine(Path, SplitNames.FileName(split))}: no such file; the dataset has {string.Join(", ", Splits)}");
        return System.IO.Path.Combine(Path, SplitNames.FileName(split));
    }

    /// <summary>Reads a split whole.</summary>
    /// <param name="split">One of <see cref="Splits"/>.</param>
    /// <param name="need">What is asked of each row's labels.</param>
    /// <exception cref="InputException">The split is not there or empty, or a row does not fit the task.</exception>
    public IReadOnlyList<Example> Load(string split, LabelNeed need = LabelNeed.Gold) => [.. Stream(split, need)];

    /// <summary>Reads a split row by row, holding one row at a time.</summary>
    /// <param name="split">One of <see cref="Splits"/>.</param>
    /// <param name="need">What is asked of each row's labels.</param>
    /// <exception cref="InputException">The split is not there or empty, or a row does not fit the task.</exception>
    public IEnumerable<Example> Stream(string split, LabelNeed need = LabelNeed.Gold)
    {
        var path = FilePath(split);
        return Rows();

        IEnumerable<Example> Rows()
        {
            using var ids = new IdSet();
            var any = false;
            foreach (var line in JsonLines.Read(path))
            {
                var where = $"{path}: row {line.Row}";
                var example = ExampleJson.Parse(line.Utf8.Span, where, defaultId: $"{split}-{line.Row}");
                if (need == LabelNeed.Unread) example = ExampleRules.WithoutForeignLabels(Task, example);
                if (ExampleRules.Fault(Task, example, need) is { } fault) throw new InputException($"{where}: {fault}");
                if (ids.Fault(example.Id, line.Row) is { } repeated) throw new InputException($"{where}: {repeated}");
                any = true;
                yield return example;
            }

            if (!any) throw new InputException($"{path}: expected at least one row, found none");
        }
    }

    /// <summary>SHA-256 of a split's file, in lower-case hexadecimal: what a run records to say what it was trained on.</summary>
    /// <param name="split">One of <see cref="Splits"/>.</param>
    /// <exception cref="InputException">The split is not there or cannot be read.</exception>
    public string Hash(string split)
    {
        var path = FilePath(split);
        try
        {
            using var stream = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }
}
