using System.Diagnostics;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Prediction;

/// <summary>Labels a file of rows: streamed, so that its length does not matter.</summary>
public static class BatchPredictor
{
    /// <summary>Labels rows.</summary>
    /// <param name="options">What to label with what.</param>
    /// <param name="reporter">Receives progress.</param>
    /// <param name="cancellationToken">Stops between batches; a file output is then not made.</param>
    /// <returns>What was done; null where the answers went to standard output.</returns>
    /// <exception cref="InputException">The options, the model or a row cannot be used; the message names the row.</exception>
    /// <exception cref="InferenceException">No row has an answer.</exception>
    /// <exception cref="UnansweredRowsException">Some rows have no answer; all answers are written, and it carries the result.</exception>
    /// <exception cref="IOException">The output cannot be written, or nobody reads standard output any more.</exception>
    public static Task<PredictResult?> RunAsync(
        PredictOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        Task.Run(() => RunForReader(options, reporter, cancellationToken), cancellationToken);

    private static PredictResult? RunForReader(PredictOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        try
        {
            return Run(options, reporter, cancellationToken);
        }
        catch (IOException e) when (options.Output == "-" && StandardOutput.HasNoReader(e))
        {
            throw new IOException("standard output: its reader has ended", e);
        }
    }

    private static PredictResult? Run(PredictOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        if (options.Output != "-" && options.Input != "-" && OutputDirectory.IsOrHolds(options.Output, options.Input))
            throw new InputException($"{options.Output}: is read as well; choose another output");
        using var predictor = PredictorFactory.Open(options.Model, options.Inference, reporter);
        var settings = options.Explanation.Settings;
        var explainer = settings is null ? null : PredictorFactory.Explainer(predictor);
        var shard = options.Shard is null ? RowShard.Whole : RowShard.TryParse(options.Shard)!.Value;
        var name = options.Input == "-" ? "standard input" : options.Input;
        using var input = options.Input == "-" ? Console.OpenStandardInput() : Open(options.Input);
        using var file = options.Output == "-" ? null : AtomicFile.Create(options.Output);
        var target = file?.Stream ?? StandardOutput.Open();

        var lastError = "";
        var began = Stopwatch.GetTimestamp();
        long rows = 0, abstained = 0, truncated = 0, failed = 0, silent = 0;
        var cut = new CutTexts();
        // Each row is checked as it is read, so that nothing is said about rows after one that ends the run.
        var checkedRows = InputRows.Read(input, name, shard, reporter).Select(r =>
        {
            RequireChoices(predictor.Task, name, r.Id, r.Input);
            return r;
        });
        foreach (var batch in checkedRows.Chunk(options.BatchSize))
        {
            PredictorInput[] inputs = [.. batch.Select(b => b.Input)];
            var answers = Answer(predictor, inputs, cancellationToken);
            var answered = inputs.Where((_, i) => answers[i].Answer is not null).ToArray();
            var rationales = explainer is null ? null : new Queue<Rationale>(explainer.Explain(answered, settings!, cancellationToken));
            for (var i = 0; i < batch.Length; i++)
            {
                var (answer, error) = answers[i];
                if (answer is null)
                {
                    PredictionRow.WriteError(target, batch[i].Id, error!);
                    failed++;
                    lastError = error!;
                    continue;
                }

                var rationale = rationales?.Dequeue();
                if (rationale is { Text.Length: 0 }) silent++;
                PredictionRow.Write(target, batch[i].Id, inputs[i], answer, predictor.Task, rationale: rationale?.Text);
                cut.Add(answer, rationale);
                if (answer.Abstained) abstained++;
                if (answer.Truncated) truncated++;
            }

            target.Flush();
            rows += batch.Length;
            reporter.Progress("predict", rows, null);
        }

        file?.Commit();
        if (rows == 0) reporter.Warn($"{name}: no rows to label");
        if (silent > 0) reporter.Warn($"{silent} of {rows} rationales are empty; was the student trained with rationales?");
        cut.Report(reporter, rows, predictor.Task, settings);
        if (failed > 0 && failed == rows)
            throw new InferenceException($"{name}: none of {rows} rows has an answer: {lastError}");
        var result = file is null
            ? null
            : new PredictResult(rows, abstained, truncated, Stopwatch.GetElapsedTime(began).TotalSeconds, options.Output)
            {
                Failed = failed,
            };
        if (failed > 0)
            throw new UnansweredRowsException(
                $"{name}: {failed} of {rows} rows have no answer; their lines have \"error\" in the place of one", result);
        return result;
    }

    /// <summary>Answers, or why there is none. Where a batch fails its rows run one by one: only the one at fault has no answer.</summary>
    private static (LabelPrediction? Answer, string? Error)[] Answer(
        IPredictor predictor, PredictorInput[] inputs, CancellationToken cancellationToken)
    {
        const string empty = "the input is empty";
        var filled = inputs.Where(i => !string.IsNullOrWhiteSpace(i.Text)).ToArray();
        if (filled.Length < inputs.Length)
        {
            var rest = new Queue<(LabelPrediction?, string?)>(filled.Length == 0 ? [] : Answer(predictor, filled, cancellationToken));
            return [.. inputs.Select(i => string.IsNullOrWhiteSpace(i.Text) ? (null, empty) : rest.Dequeue())];
        }

        try
        {
            return [.. predictor.Predict(inputs, cancellationToken).Select(a => ((LabelPrediction?)a, (string?)null))];
        }
        catch (InferenceException e)
        {
            return inputs.Length == 1 ? [(null, e.Message)] : [.. inputs.SelectMany(i => Answer(predictor, [i], cancellationToken))];
        }
    }

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    private static void RequireChoices(TaskSpec task, string name, string id, PredictorInput row)
    {
        if (task.Kind == TaskKind.Choices && row.Choices is not { Count: >= 2 })
            throw new InputException($"{name}: row {id}: \"choices\" needs at least two texts, as the model's task is of kind choices");
        if (task.Kind != TaskKind.Choices && row.Choices is not null)
            throw new InputException($"{name}: row {id}: \"choices\": the model's task \"{task.Name}\" takes none");
    }
}
