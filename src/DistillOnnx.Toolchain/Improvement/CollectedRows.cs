using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Inspect;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>
/// Inputs that a server collected, as datasets: what is there at one moment, so that a round that is gone on with chooses among the same
/// rows. What the student answered is not taken over: it is no label. What a teacher answered in its place is, and is not asked again.
/// </summary>
/// <param name="Asked">Rows without a teacher's answer, which are to choose among.</param>
/// <param name="Answered">Rows with one.</param>
/// <param name="Measured">Rows left out: the pool's validation or test rows have the same input, and would be learnt by what is measured
/// on them.</param>
internal sealed record CollectedRows(int Asked, int Answered, int Measured = 0)
{
    /// <summary>Begins the ids of collected rows, which are not the pool's.</summary>
    public const string IdPrefix = "collected:";

    /// <summary>Writes the datasets, each input once.</summary>
    /// <param name="collected">The directory that the server writes to: files <c>*.jsonl</c> in it and below.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="known">Datasets whose train rows are not taken again.</param>
    /// <param name="asked">The dataset directory of the rows without a teacher's answer; not written where there are none.</param>
    /// <param name="answered">That of the rows with one.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    /// <returns>Rows written.</returns>
    /// <exception cref="InputException">There is no such directory, it holds rows of another task, or a row does not fit the task; the
    /// message names it.</exception>
    public static CollectedRows Write(
        string collected,
        Dataset pool,
        IReadOnlyList<string> known,
        string asked,
        string answered,
        CancellationToken cancellationToken)
    {
        if (!Directory.Exists(collected))
            throw new InputException($"{collected}: no such directory; expected what a server collected (--collected)");
        const long measured = 1, seen = 0;
        var task = pool.Task;
        using var inputs = new KeyTable();
        foreach (var example in known.SelectMany(d => Dataset.Open(d).Stream(SplitNames.Train, LabelNeed.None)))
            inputs.Set(InputTable.Key(example), seen);
        foreach (var example in pool.Splits.Where(s => s != SplitNames.Train).SelectMany(s => pool.Stream(s, LabelNeed.None)))
            inputs.Set(InputTable.Key(example), measured);
        var left = 0;
        using var open = DatasetWriter.Create(asked, task, overwrite: true);
        using var done = DatasetWriter.Create(answered, task, overwrite: true);
        foreach (var file in Files(collected, task))
        {
            foreach (var line in JsonLines.Read(file))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var where = $"{file}: row {line.Row}";
                var name = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(file)}-{line.Row}");
                var row = ExampleJson.Parse(line.Utf8.Span, where, name);
                var key = InputTable.Key(row);
                if (inputs.Find(key) is var found and >= 0)
                {
                    if (found == measured) left++;
                    continue;
                }

                inputs.Set(key, seen);
                // Several servers, and one that was started again, may have given the same ids to other inputs.
                row = row with { Id = $"{IdPrefix}{row.Id}:{(ulong)key:x16}", Label = null };
                if (row.TeacherLabel is null) open.Write(SplitNames.Train, row with { Rationale = null }, where);
                else done.Write(SplitNames.Train, row, where);
            }
        }

        var result = new CollectedRows((int)open.Rows(SplitNames.Train), (int)done.Rows(SplitNames.Train), left);
        if (result.Asked > 0) open.Commit();
        if (result.Answered > 0) done.Commit();
        return result;
    }

    // A file that begins with a dot is being written.
    private static IEnumerable<string> Files(string collected, TaskSpec task)
    {
        var files = Directory.EnumerateFiles(collected, "*.jsonl", SearchOption.AllDirectories)
            .Where(f => !Path.GetFileName(f).StartsWith('.')).Order(StringComparer.Ordinal).ToList();
        foreach (var directory in files.Select(f => Path.GetDirectoryName(f)!).Distinct(StringComparer.Ordinal))
        {
            if (File.Exists(Path.Combine(directory, TaskSpec.FileName)))
                Evaluator.RequireSameTask(task, TaskSpec.Load(directory), directory);
        }

        return files;
    }
}
