using System.Threading.Channels;
using DistillOnnx.Core;
using DistillOnnx.Server.Fallback;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Telemetry;
using DistillOnnx.V1;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Collecting;

/// <summary>
/// Keeps inputs for the next round of training. Calls only hand over what they have; one thread of its own takes out what must not be kept
/// and writes. What comes faster than it may, or can, is dropped and counted. No text of it is ever logged.
/// </summary>
internal sealed class Collector : BackgroundService
{
    private const int Waiting = 4096;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly CollectOptions _options;
    private readonly Redactor _redactor;
    private readonly ServerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<Collector> _logger;
    private readonly Channel<CollectedRow> _rows = Channel.CreateBounded<CollectedRow>(
        new BoundedChannelOptions(Waiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private DateTimeOffset _minute;
    private int _inMinute;
    private bool _broken;

    public Collector(ServerOptions options, ServerMetrics metrics, TimeProvider time, ILogger<Collector> logger)
    {
        _options = options.Collecting;
        _redactor = Redactor.Load(_options.CollectRedact);
        _metrics = metrics;
        _time = time;
        _logger = logger;
    }

    /// <summary>Takes those of a call's inputs that are to be kept. Never waits.</summary>
    /// <param name="model">The model that answered.</param>
    /// <param name="request">The inputs.</param>
    /// <param name="response">What they were answered.</param>
    /// <param name="teacher">What the teacher answered in each place; null: nothing at all.</param>
    public void Offer(ModelVersion model, PredictRequest request, PredictResponse response, IReadOnlyList<TeacherAnswer?>? teacher)
    {
        if (_options.Collect is null) return;
        for (var i = 0; i < response.Predictions.Count; i++)
        {
            var given = response.Predictions[i];
            if (given.Error is not null) continue;
            var other = teacher?[i];
            var own = other?.Student ?? given;
            if (ReasonOf(own, model.Task.Kind) is not { } reason) continue;
            var row = new CollectedRow
            {
                Model = model.Name,
                Version = model.Version,
                Task = model.Task,
                Input = request.Inputs[i].Text,
                Choices = request.Inputs[i].Choices,
                StudentLabel = own.Label,
                StudentProbability = model.Task.Kind == TaskKind.Text ? null : own.Probability,
                Abstained = own.Abstained,
                Reason = reason,
                TeacherLabel = other?.Label,
                Rationale = other?.Rationale,
                At = _time.GetUtcNow(),
            };
            if (!_rows.Writer.TryWrite(row)) _metrics.Collected(model.Name, "dropped");
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InputException">The directory cannot be made.</exception>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_options.Collect is { } directory) RowStore.Make(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"--collect {_options.Collect}: cannot be made: {e.Message}", e);
        }

        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // What was handed over is written first.
        _rows.Writer.TryComplete();
        if (ExecuteTask is { } writing) await writing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        _options.Collect is { } directory ? Task.Run(() => WriteAsync(directory), CancellationToken.None) : Task.CompletedTask;

    private async Task WriteAsync(string directory)
    {
        var retention = TimeSpan.FromDays(_options.CollectDays);
        using var store = new RowStore(Path.GetFullPath(directory), _options.CollectMegabytes * 1_000_000L, retention, _time);
        Guard(directory, store.Open);
        var more = _rows.Reader.WaitToReadAsync().AsTask();
        while (true)
        {
            await Task.WhenAny(more, Task.Delay(Look)).ConfigureAwait(false);
            if (more.IsCompleted)
            {
                if (!await more.ConfigureAwait(false)) break;
                while (_rows.Reader.TryRead(out var row))
                {
                    var outcome = "failed";
                    Guard(directory, () => outcome = Write(store, row));
                    _metrics.Collected(row.Model, outcome);
                }

                Guard(directory, store.Flush);
                more = _rows.Reader.WaitToReadAsync().AsTask();
            }

            Guard(directory, store.Tidy);
        }

        Guard(directory, store.Dispose);
    }

    private string Write(RowStore store, CollectedRow row)
    {
        if (_redactor.Apply(row.Input) is not { } text) return "not_redacted";
        var choices = new List<string>();
        foreach (var choice in row.Choices)
        {
            if (_redactor.Apply(choice) is not { } redacted) return "not_redacted";
            choices.Add(redacted);
        }

        var rationale = row.Rationale is null ? null : _redactor.Apply(row.Rationale);
        if (_time.GetUtcNow() - _minute >= TimeSpan.FromMinutes(1)) (_minute, _inMinute) = (_time.GetUtcNow(), 0);
        if (_inMinute >= _options.CollectRowsPerMinute) return "rate";
        if (!store.Add(row with { Input = text, Choices = choices, Rationale = rationale })) return "duplicate";
        _inMinute++;
        return "kept";
    }

    /// <summary>A disk that is full or away ends nothing: it is said once, and again when it had worked in between.</summary>
    private void Guard(string directory, Action write)
    {
        try
        {
            write();
            _broken = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InputException)
        {
            if (!_broken) _logger.NotCollected(directory, e.Message);
            _broken = true;
        }
    }

    private string? ReasonOf(Prediction own, TaskKind kind)
    {
        if (own.Abstained) return "abstained";
        if (kind != TaskKind.Text && own.Probability < _options.CollectBelow) return "below";
        return _options.CollectShare > 0 && Random.Shared.NextDouble() < _options.CollectShare ? "share" : null;
    }
}
