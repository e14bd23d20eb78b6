using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Metrics;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>Measures students on rows that have gold labels: the same code for a checkpoint and a bundle, so that
/// figures compare.</summary>
/// <param name="task">The task that the rows are of.</param>
/// <param name="rows">The rows; each has a label.</param>
internal sealed class Measurement(TaskSpec task, IReadOnlyList<Example> rows)
{
    /// <summary>Rows that go to a student at once.</summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>Receives progress.</summary>
    public IReporter Reporter { get; init; } = Stages.Reporting.Reporter.None;

    /// <summary>How rationales are written and measured; null: none are.</summary>
    public ExplainSettings? Explain { get; init; }

    /// <summary>Whether the bootstrap interval of macro F1 is drawn, at a thousand draws of every row.</summary>
    public bool Intervals { get; init; } = true;

    /// <summary>Receives each row with its answer and its rationale, in the order of the rows; may be null.</summary>
    public Action<Example, LabelPrediction, string?>? Answered { get; init; }

    /// <summary>Measures a student.</summary>
    /// <param name="predictor">The student.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="InputException">There are no rows, a row has no label, or rationales are asked of a student
    /// that writes none.</exception>
    /// <exception cref="InferenceException">The student has no answer to a row, which the message names.</exception>
    public EvaluateResult Of(IPredictor predictor, CancellationToken cancellationToken) =>
        Run(predictor, Explain, Answered, cancellationToken).ToResult(Intervals);

    /// <summary>Measures a student, and another one on the same rows.</summary>
    internal EvaluateResult Compare(IPredictor predictor, IPredictor other, CancellationToken cancellationToken)
    {
        var mine = new List<bool>(rows.Count);
        var others = new List<bool>(rows.Count);
        bool IsRight(Example row, LabelPrediction answer) => Accuracy.IsCorrect(task.Metric, answer.Label, row.Label!);
        void Mine(Example row, LabelPrediction answer, string? rationale)
        {
            mine.Add(IsRight(row, answer));
            Answered?.Invoke(row, answer, rationale);
        }

        var tally = Run(predictor, Explain, Mine, cancellationToken);
        // Of the other model only which rows it has right is needed: no intervals and curves are made for it.
        Run(other, null, (row, answer, _) => others.Add(IsRight(row, answer)), cancellationToken);
        return tally.ToResult(Intervals) with { Against = AgainstResult.Of(mine, others) };
    }

    private EvaluationTally Run(
        IPredictor predictor,
        ExplainSettings? explain,
        Action<Example, LabelPrediction, string?>? answered,
        CancellationToken cancellationToken)
    {
        if (rows.Count == 0) throw new InputException("nothing to evaluate: the split has no rows");
        var explainer = explain is null ? null : PredictorFactory.Explainer(predictor);
        // Probabilities come in the order of the student's own label set.
        var tally = new EvaluationTally(predictor.Task with { Metric = task.Metric }, task.Kind == TaskKind.Labels ? task.Labels : null);
        var cut = new CutTexts();
        for (var start = 0; start < rows.Count; start += BatchSize)
        {
            var batch = rows.Skip(start).Take(BatchSize).ToArray();
            var inputs = batch.Select(r => new PredictorInput(r.Input, task.Kind == TaskKind.Choices ? r.Choices : null)).ToArray();
            var began = Stopwatch.GetTimestamp();
            var answers = Answers(i => predictor.Predict(i, cancellationToken), batch, inputs);
            tally.Seconds += Stopwatch.GetElapsedTime(began).TotalSeconds;
            var rationales = explainer is null
                ? null
                : Answers(i => explainer.Explain(i, explain!, cancellationToken), batch, inputs);
            for (var i = 0; i < batch.Length; i++)
            {
                tally.Add(batch[i], answers[i], rationales?[i].Text);
                answered?.Invoke(batch[i], answers[i], rationales?[i].Text);
                cut.Add(answers[i], rationales?[i]);
            }

            Reporter.Progress(
                "evaluate",
                start + batch.Length,
                rows.Count,
                string.Create(CultureInfo.InvariantCulture, $"accuracy {tally.Accuracy:0.0000}"));
        }

        cut.Report(Reporter, rows.Count, predictor.Task, explain);
        return tally;
    }

    /// <summary>What a model answers to rows; where it fails, they run one by one, so that the message can name the row.</summary>
    private static IReadOnlyList<T> Answers<T>(
        Func<PredictorInput[], IReadOnlyList<T>> model, Example[] batch, PredictorInput[] inputs)
    {
        try
        {
            return model(inputs);
        }
        catch (InferenceException)
        {
            for (var i = 0; i < inputs.Length; i++)
            {
                try
                {
                    model([inputs[i]]);
                }
                catch (InferenceException e)
                {
                    throw new InferenceException($"row {batch[i].Id}: {e.Message}", e);
                }
            }

            throw;
        }
    }
}
