using System.Security.Cryptography;
using System.Text;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Toolchain.Study;

/// <summary>A dataset of a study.</summary>
/// <param name="Name">As the user called it.</param>
/// <param name="Directory">Its directory.</param>
/// <param name="Task">Its task's name.</param>
/// <param name="TrainRows">Rows to train on.</param>
/// <param name="LabelledTrainRows">Those of them that have a label.</param>
/// <param name="ValidationRows">Rows by which checkpoints are chosen.</param>
/// <param name="LabelledValidationRows">Those of them that have a label.</param>
/// <param name="MeasuredRows">Rows of the split that is measured on.</param>
/// <param name="Chance">Accuracy of always giving the most frequent label, or of drawing a choice; null for open tasks.</param>
/// <param name="TrainHash">SHA-256 of the training file.</param>
/// <param name="LabelHash">SHA-256 of everything but the rationales: equal for datasets that only explain differently.</param>
/// <param name="Rationales">Training rows that have a rationale.</param>
/// <param name="TeacherTrainRows">Training rows that have a teacher's label.</param>
/// <param name="TeacherRows">Measured rows that have a label and a teacher's.</param>
/// <param name="TeacherAccuracy">Share of the measured rows with a teacher's label on which it is right; null where none has one.</param>
internal sealed record StudyData(
    string Name,
    string Directory,
    string Task,
    int TrainRows,
    int LabelledTrainRows,
    int ValidationRows,
    int LabelledValidationRows,
    int MeasuredRows,
    double? Chance,
    string TrainHash,
    string LabelHash,
    int Rationales,
    int TeacherTrainRows,
    int TeacherRows,
    double? TeacherAccuracy)
{
    /// <summary>The part of the measured rows that a row is of; parts are listed as datasets too. Null: there are none.</summary>
    public Func<Example, string>? Group { get; init; }

    /// <summary>Reads a dataset.</summary>
    /// <param name="name">As the user called it.</param>
    /// <param name="directory">Its directory.</param>
    /// <param name="split">The split that is measured on.</param>
    public static StudyData Read(string name, string directory, string split)
    {
        var dataset = Dataset.Open(directory);
        var measured = dataset.Load(split);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (rationales, taught) = (0, 0);
        var labelled = new Dictionary<string, int>(StringComparer.Ordinal);
        int Rows(string part)
        {
            if (!dataset.Has(part)) return 0;
            var rows = dataset.Load(part, LabelNeed.None);
            foreach (var row in rows)
            {
                // A character that no JSON text holds unescaped keeps fields from running into each other.
                var fields = string.Join('\0', [part, row.Id, row.Input, row.Label, row.TeacherLabel, .. row.Choices ?? []]);
                hash.AppendData(Encoding.UTF8.GetBytes(fields + "\0\0"));
                if (part != SplitNames.Train) continue;
                if (row.Rationale is not null) rationales++;
                if (row.TeacherLabel is not null) taught++;
            }

            labelled[part] = rows.Count(r => r.Label is not null);
            return rows.Count;
        }

        var counts = new[] { SplitNames.Train, SplitNames.Validation, split }.Distinct().ToDictionary(s => s, Rows);
        Example[] answered = [.. measured.Where(r => r.Label is not null && r.TeacherLabel is not null)];
        return new StudyData(
            name,
            directory,
            dataset.Task.Name,
            counts[SplitNames.Train],
            labelled.GetValueOrDefault(SplitNames.Train),
            counts[SplitNames.Validation],
            labelled.GetValueOrDefault(SplitNames.Validation),
            measured.Count,
            Data.Chance.Of(dataset.Task, measured),
            dataset.Hash(SplitNames.Train),
            Convert.ToHexStringLower(hash.GetHashAndReset()),
            rationales,
            taught,
            answered.Length,
            answered.Length == 0 ? null : (double)answered.Count(r => IsRight(dataset.Task, r)) / answered.Length);
    }

    private static bool IsRight(TaskSpec task, Example row) => Accuracy.IsCorrect(task.Metric, row.TeacherLabel!, row.Label!);
}
