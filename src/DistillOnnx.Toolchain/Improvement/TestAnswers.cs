using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Options;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>A student's answers to the rows that all rounds are measured on, in their order.</summary>
/// <param name="Rows">The answers.</param>
internal sealed record TestAnswers(IReadOnlyList<TestAnswers.Row> Rows)
{
    /// <summary>Rows that are right.</summary>
    public int Right => Rows.Count(r => r.Right);

    /// <summary>Share of the rows that is right.</summary>
    public double Accuracy => (double)Right / Rows.Count;

    /// <summary>Asks a model.</summary>
    /// <param name="model">Checkpoint or bundle.</param>
    /// <param name="dataset">What the rows belong to.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="inference">How the model is run.</param>
    /// <param name="reporter">Receives progress.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="InputException">The model cannot be used, or is of another task.</exception>
    public static TestAnswers Of(
        string model,
        Dataset dataset,
        IReadOnlyList<Example> rows,
        InferenceOptions inference,
        IReporter reporter,
        CancellationToken cancellationToken)
    {
        using var predictor = PredictorFactory.Open(model, inference, reporter);
        Evaluator.RequireSameTask(dataset.Task, predictor.Task, model);
        var answers = new List<Row>(rows.Count);
        new Measurement(dataset.Task, rows)
        {
            Reporter = reporter,
            Intervals = false,
            Answered = (row, answer, _) => answers.Add(new Row(
                row.Id, row.Label!, answer.Label, Data.Metrics.Accuracy.IsCorrect(dataset.Task.Metric, answer.Label, row.Label!))),
        }.Of(predictor, cancellationToken);
        return new TestAnswers(answers);
    }

    /// <summary>Writes them, a JSON line a row.</summary>
    public void Save(string path)
    {
        using var file = AtomicFile.Create(path);
        foreach (var row in Rows)
        {
            JsonSerializer.Serialize(file.Stream, row, Lines);
            file.Stream.WriteByte((byte)'\n');
        }

        file.Commit();
    }

    /// <summary>Reads what <see cref="Save"/> wrote; null where there is no such file.</summary>
    /// <exception cref="InputException">A line is no answer.</exception>
    public static TestAnswers? Load(string path)
    {
        if (!File.Exists(path)) return null;
        var rows = new List<Row>();
        foreach (var line in JsonLines.Read(path))
        {
            try
            {
                rows.Add(JsonSerializer.Deserialize<Row>(line.Utf8.Span, Lines)!);
            }
            catch (JsonException e)
            {
                throw new InputException($"{path}: row {line.Row}: expected an answer: {e.Message}; delete the file to ask again", e);
            }
        }

        return rows.Count > 0 ? new TestAnswers(rows) : throw new InputException($"{path}: expected answers, found none");
    }

    private static JsonSerializerOptions Lines { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>One answer.</summary>
    /// <param name="Id">The row's id.</param>
    /// <param name="Gold">Its gold label.</param>
    /// <param name="Answer">What the student answered.</param>
    /// <param name="Right">Whether that is right by the task's metric.</param>
    internal sealed record Row(string Id, string Gold, string Answer, bool Right);
}
