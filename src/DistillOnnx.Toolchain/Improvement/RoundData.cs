using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>What a round's student learns from: the rows that all rounds annotated, and the pool's validation rows.</summary>
internal static class RoundData
{
    /// <summary>Writes the dataset.</summary>
    /// <param name="pool">The pool; its validation rows are copied.</param>
    /// <param name="annotated">What the rounds annotated, in their order.</param>
    /// <param name="labels">Whose labels are learnt: a row without one is left out.</param>
    /// <param name="output">The dataset directory.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    /// <returns>Training rows.</returns>
    /// <exception cref="InputException">No row has a label, or the output cannot be written.</exception>
    public static int Write(
        Dataset pool, IReadOnlyList<string> annotated, LabelSource labels, string output, CancellationToken cancellationToken)
    {
        using var writer = DatasetWriter.Create(output, pool.Task, overwrite: true);
        var rows = 0;
        foreach (var example in annotated.SelectMany(d => Dataset.Open(d).Stream(SplitNames.Train, LabelNeed.None)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if ((labels == LabelSource.Teacher ? example.TeacherLabel : example.Label) is null) continue;
            writer.Write(SplitNames.Train, example);
            rows++;
        }

        if (rows == 0)
            throw new InputException(
                $"{annotated[^1]}: none of the rows has a {labels.ToString().ToLowerInvariant()} label to learn (--labels)");
        if (pool.Has(SplitNames.Validation))
        {
            foreach (var example in pool.Stream(SplitNames.Validation)) writer.Write(SplitNames.Validation, example);
        }

        writer.Info["source"] = "improve";
        writer.Commit();
        return rows;
    }
}
