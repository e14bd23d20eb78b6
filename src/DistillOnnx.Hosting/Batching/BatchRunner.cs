using DistillOnnx.Core.Prediction;

namespace DistillOnnx.Hosting.Batching;

/// <summary>
/// One lane: runs a batch and gives each row its answer. Where a batch fails, its rows run one by one: only the one at
/// fault fails.
/// </summary>
internal sealed class BatchRunner(IServedPredictor predictor, int lane, TimeProvider time)
{
    /// <summary>Runs a batch. Never throws.</summary>
    public BatchReport Run(Batch whole)
    {
        var batch = whole.Entries;
        int? on = whole.SideBySide ? lane : null;
        var started = time.GetTimestamp();
        var (answers, fault) = Predict(batch, on);
        var duration = time.GetElapsedTime(started);
        if (answers is not null)
        {
            for (var i = 0; i < batch.Count; i++) Answer(batch[i], answers[i], null, started, duration);
            return new BatchReport(whole, started, duration, Completed: true);
        }

        foreach (var entry in batch)
        {
            if (batch.Count > 1 && fault is not OperationCanceledException)
            {
                var again = time.GetTimestamp();
                (answers, var own) = Predict([entry], on);
                Answer(entry, answers?[0], own, started, time.GetElapsedTime(again));
            }
            else
            {
                Answer(entry, null, fault, started, duration);
            }
        }

        return new BatchReport(whole, started, time.GetElapsedTime(started), Completed: false);
    }

    private (IReadOnlyList<LabelPrediction>? Answers, Exception? Fault) Predict(IReadOnlyList<BatchEntry> batch, int? on)
    {
        try
        {
            using var stop = new AbandonedBatch(batch);
            var answers = predictor.Predict([.. batch.Select(e => e.Row)], on, stop.Token);
            return answers.Count == batch.Count
                ? (answers, null)
                : (null, new InvalidOperationException($"the model answered {answers.Count} of {batch.Count} rows"));
        }
#pragma warning disable CA1031 // Whatever a batch throws belongs to its rows; the thread serves the next one.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return (null, e);
        }
    }

    private void Answer(BatchEntry entry, LabelPrediction? prediction, Exception? fault, long started, TimeSpan inference) =>
        entry.Call.Answer(entry.Index, new RowAnswer(prediction, fault, time.GetElapsedTime(entry.EnqueuedAt, started), inference));
}
