using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Export;

/// <summary>Rows with gold labels on which a bundle is measured before it is put in place.</summary>
/// <param name="Source">The file, for messages.</param>
/// <param name="Task">The dataset's task.</param>
/// <param name="Rows">The rows.</param>
internal sealed record ValidationRows(string Source, TaskSpec Task, IReadOnlyList<Example> Rows)
{
    private const int BatchRows = 256;

    /// <summary>Checks that a student answers what these rows ask.</summary>
    /// <exception cref="InputException">It is of another kind or label set.</exception>
    public void RequireTask(TaskSpec student)
    {
        var labels = Task.Labels is null ? "" : $" ({string.Join(", ", Task.Labels)})";
        var found = student.Labels is null ? "" : $" ({string.Join(", ", student.Labels)})";
        if (student.Kind != Task.Kind
            || (student.Labels is not null && !student.Labels.ToHashSet(StringComparer.Ordinal).SetEquals(Task.Labels!)))
        {
            throw new InputException(
                $"{Source}: expected rows of the checkpoint's task, of kind {Name(student.Kind)}{found}, found kind "
                + $"{Name(Task.Kind)}{labels}");
        }
    }

    /// <summary>Inputs as a student reads them.</summary>
    public IReadOnlyList<PredictorInput> Inputs =>
        [.. Rows.Select(r => new PredictorInput(r.Input, Task.Kind == TaskKind.Choices ? r.Choices : null))];

    /// <summary>Answers to all rows.</summary>
    public IReadOnlyList<LabelPrediction> Answer(
        IPredictor predictor, string stage, IReporter reporter, CancellationToken cancellationToken)
    {
        var inputs = Inputs;
        var answers = new List<LabelPrediction>(inputs.Count);
        for (var start = 0; start < inputs.Count; start += BatchRows)
        {
            answers.AddRange(predictor.Predict([.. inputs.Skip(start).Take(BatchRows)], cancellationToken));
            reporter.Progress(stage, answers.Count, inputs.Count);
        }

        return answers;
    }

    /// <summary>Fraction of answers that are right by the task's metric.</summary>
    public double AccuracyOf(IReadOnlyList<LabelPrediction> answers) =>
        answers.Zip(Rows).Count(p => Accuracy.IsCorrect(Task.Metric, p.First.Label, p.Second.Label!)) / (double)Rows.Count;

    private static string Name(TaskKind kind) => $"\"{kind.ToString().ToLowerInvariant()}\"";
}
