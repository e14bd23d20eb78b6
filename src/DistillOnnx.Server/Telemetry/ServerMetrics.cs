using System.Diagnostics;
using System.Diagnostics.Metrics;
using DistillOnnx.Hosting.Batching;

namespace DistillOnnx.Server.Telemetry;

/// <summary>Everything the server counts and times. Durations are in seconds, as OpenTelemetry has them.</summary>
internal sealed class ServerMetrics : IDisposable
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string Name = "DistillOnnx.Server";

    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    // A rationale takes a run of the decoder for each of its tokens.
    private static readonly InstrumentAdvice<double> LongSeconds = new()
    {
        HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    };

    private static readonly InstrumentAdvice<int> Rows = new() { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256] };
    private static readonly InstrumentAdvice<long> Tokens = new()
    {
        HistogramBucketBoundaries = [16, 64, 256, 512, 1024, 2048, 4096, 8192, 16384],
    };

    private readonly Meter _meter;
    private readonly Histogram<double> _stage;
    private readonly Histogram<int> _batchRows;
    private readonly Histogram<long> _batchTokens;
    private readonly Counter<long> _tokens;
    private readonly Counter<long> _rows;
    private readonly Counter<long> _rejections;
    private readonly Counter<long> _switches;
    private readonly Counter<long> _explanations;
    private readonly Histogram<double> _explanation;
    private readonly Counter<long> _collected;
    private readonly Counter<long> _fallback;
    private readonly Histogram<double> _fallbackDuration;

    public ServerMetrics(IMeterFactory meters, IModelQueues models)
    {
        _meter = meters.Create(Name);
        _stage = _meter.CreateHistogram(
            "distillonnx.stage.duration", "s", "Time that a call spent in a stage: tokenize, queue, inference, total.", null, Seconds);
        _batchRows = _meter.CreateHistogram("distillonnx.batch.rows", "{row}", "Rows of a batch.", null, Rows);
        _batchTokens = _meter.CreateHistogram("distillonnx.batch.tokens", "{token}", "Tokens of a batch, padding counted.", null, Tokens);
        _tokens = _meter.CreateCounter<long>("distillonnx.tokens", "{token}", "Tokens that models ran, by kind: text or padding.");
        _rows = _meter.CreateCounter<long>("distillonnx.rows", "{row}", "Rows, by outcome: answered, failed or abandoned.");
        _rejections = _meter.CreateCounter<long>("distillonnx.rejections", "{call}", "Calls that were refused, by reason.");
        _switches = _meter.CreateCounter<long>(
            "distillonnx.model.switches", "{version}", "Bundles that were tried, by outcome: served or rejected.");
        _explanations = _meter.CreateCounter<long>(
            "distillonnx.explanations", "{row}", "Inputs that a rationale was asked for, by outcome: answered, failed or abandoned.");
        _explanation = _meter.CreateHistogram(
            "distillonnx.explanation.duration", "s", "Time to write one rationale, by stage: queue or generate.", null, LongSeconds);
        _collected = _meter.CreateCounter<long>(
            "distillonnx.collected",
            "{row}",
            "Inputs chosen to be kept, by outcome: kept, duplicate, rate, dropped, not_redacted or failed.");
        _fallback = _meter.CreateCounter<long>(
            "distillonnx.fallback",
            "{row}",
            "Inputs that a model abstained from and a teacher may answer, by outcome: answered, late, busy, budget, unusable, paused, "
            + "failed or stopped.");
        _fallbackDuration = _meter.CreateHistogram(
            "distillonnx.fallback.duration", "s", "Time until the teacher had answered an input.", null, LongSeconds);
        _meter.CreateObservableGauge("distillonnx.queue.rows", () => Observe(models, static q => q.Rows), "{row}", "Rows that wait.");
        _meter.CreateObservableGauge(
            "distillonnx.queue.tokens", () => Observe(models, static q => q.Tokens), "{token}", "Tokens that wait.");
        _meter.CreateObservableGauge("distillonnx.model.ready", () => Ready(models), "{version}", "Versions that are served.");
    }

    /// <summary>Spans of the stages of a call.</summary>
    public ActivitySource Activities { get; } = new(Name);

    /// <summary>What a model's batcher reports to.</summary>
    public IBatchObserver ForModel(string name) => new BatchMetrics(this, Model(name));

    /// <summary>A call was answered.</summary>
    public void Answered(string model, TimeSpan tokenize, TimeSpan queue, TimeSpan inference, TimeSpan total)
    {
        Stage(model, "tokenize", tokenize);
        Stage(model, "queue", queue);
        Stage(model, "inference", inference);
        Stage(model, "total", total);
    }

    /// <summary>A call was turned down before it queued.</summary>
    public void Rejected(string model, string reason) => _rejections.Add(1, Model(model), new("reason", reason));

    /// <summary>A rationale was written.</summary>
    public void Explained(string model, TimeSpan queue, TimeSpan generate)
    {
        _explanations.Add(1, Model(model), new("outcome", "answered"));
        _explanation.Record(queue.TotalSeconds, Model(model), new("stage", "queue"));
        _explanation.Record(generate.TotalSeconds, Model(model), new("stage", "generate"));
    }

    /// <summary>A rationale was not written.</summary>
    public void NotExplained(string model, bool abandoned) =>
        _explanations.Add(1, Model(model), new("outcome", abandoned ? "abandoned" : "failed"));

    /// <summary>An input that was chosen to be kept was, or was not.</summary>
    public void Collected(string model, string outcome) => _collected.Add(1, Model(model), new("outcome", outcome));

    /// <summary>An input that the model abstained from was answered by the teacher, or was not.</summary>
    public void FellBack(string model, string outcome) => _fallback.Add(1, Model(model), new("outcome", outcome));

    /// <summary>The teacher answered an input, or what it answered cannot be used.</summary>
    public void FallbackTook(string model, TimeSpan duration) => _fallbackDuration.Record(duration.TotalSeconds, Model(model));

    /// <summary>Shows what the teacher was asked and what it costs.</summary>
    public void ObserveFallback(Func<(long Asked, long Found, double? Cost)> read)
    {
        _meter.CreateObservableCounter<long>(
            "distillonnx.fallback.requests",
            () => (Measurement<long>[])[new(read().Asked, new KeyValuePair<string, object?>("source", "teacher")),
                new(read().Found, new KeyValuePair<string, object?>("source", "journal"))],
            "{request}",
            "Requests to the teacher, by who answered: the teacher or its journal.");
        _meter.CreateObservableGauge<double>(
            "distillonnx.fallback.cost",
            () => read().Cost is { } cost ? (Measurement<double>[])[new(cost)] : [],
            "{USD}",
            "US dollars for all answers in the fallback's journal.");
    }

    /// <summary>A bundle was put in service or not.</summary>
    public void Switched(string model, bool served) => _switches.Add(1, Model(model), new("outcome", served ? "served" : "rejected"));

    /// <inheritdoc/>
    public void Dispose() => Activities.Dispose();

    private void Stage(string model, string stage, TimeSpan duration) =>
        _stage.Record(duration.TotalSeconds, Model(model), new("stage", stage));

    private static IEnumerable<Measurement<long>> Observe(IModelQueues models, Func<ModelQueue, long> read) =>
        models.Queues.GroupBy(q => q.Model).Select(g => new Measurement<long>(g.Sum(read), Model(g.Key)));

    private static IEnumerable<Measurement<int>> Ready(IModelQueues models) =>
        models.Queues.Select(q => new Measurement<int>(1, Model(q.Model), new("version", q.Version)));

    private static KeyValuePair<string, object?> Model(string name) => new("model", name);

    private sealed class BatchMetrics(ServerMetrics metrics, KeyValuePair<string, object?> model) : IBatchObserver
    {
        public void Ran(BatchReport report)
        {
            metrics._batchRows.Record(report.Batch.Entries.Count, model);
            metrics._batchTokens.Record(report.PaddedTokens, model);
            metrics._tokens.Add(report.Batch.Tokens, model, new("kind", "text"));
            metrics._tokens.Add(report.PaddedTokens - report.Batch.Tokens, model, new("kind", "padding"));
            metrics._rows.Add(report.Batch.Entries.Count, model, new("outcome", report.Completed ? "answered" : "failed"));
        }

        public void Refused(RefusalReason reason) => metrics._rejections.Add(1, model, new("reason", reason switch
        {
            RefusalReason.QueueFull => "queue_full",
            RefusalReason.CallerShare => "caller_share",
            RefusalReason.WouldMissDeadline => "would_miss_deadline",
            RefusalReason.DeadlinePassed => "deadline_passed",
            RefusalReason.DeadlineTooShort => "deadline_too_short",
            RefusalReason.RationaleQueueFull => "rationale_queue_full",
            _ => "draining",
        }));

        public void Abandoned(int rows) => metrics._rows.Add(rows, model, new("outcome", "abandoned"));
    }
}
