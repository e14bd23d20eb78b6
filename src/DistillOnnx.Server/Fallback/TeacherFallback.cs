using System.Diagnostics;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Telemetry;
using DistillOnnx.Teacher;
using DistillOnnx.V1;

namespace DistillOnnx.Server.Fallback;

/// <summary>
/// Lets a teacher answer what a model abstains from, where it does so in time. Whatever comes in between, the call gets the abstention as
/// it would without; an answer that comes too late is kept for the next call with the same input.
/// </summary>
internal sealed class TeacherFallback : IAsyncDisposable
{
    /// <summary>Who gave an answer.</summary>
    public const string Student = "student", Teacher = "teacher";

    // After a fault that is not the input's own, the teacher is left alone for so long.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    // What is left of a call's deadline for its answer to be written and to arrive.
    private static readonly TimeSpan Room = TimeSpan.FromMilliseconds(250);

    // In seconds; an answer that no call waits for any more is kept all the same.
    private const double LeastTimeout = 30;

    private readonly LiveTeacher? _teacher;
    private readonly FallbackOptions _options;
    private readonly ServerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<TeacherFallback> _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _places;
    private long _pausedUntil;
    private int _underWay;

    /// <exception cref="InputException">The teacher or its journal cannot be opened.</exception>
    public TeacherFallback(ServerOptions options, ServerMetrics metrics, TimeProvider time, ILogger<TeacherFallback> logger)
    {
        _options = options.Teacher;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _places = new SemaphoreSlim(_options.FallbackConcurrency);
        if (_options.Fallback is not { } spec) return;
        _teacher = LiveTeacher.Open(new AnnotateOptions
        {
            Teacher = spec,
            Journal = _options.FallbackJournal,
            Prompt = _options.FallbackPrompt,
            Prices = _options.FallbackPrices,
            Budget = _options.FallbackBudget,
            RequestsPerMinute = _options.FallbackRequestsPerMinute,
            Concurrency = _options.FallbackConcurrency,
            ApiKey = _options.FallbackApiKey,
            Structured = false,
            Retries = 1,
            Timeout = Math.Max(LeastTimeout, _options.FallbackSeconds),
        });
        metrics.ObserveFallback(() => (_teacher.Asked, _teacher.Found, _teacher.Cost));
    }

    /// <summary>Whether there is a teacher.</summary>
    public bool IsOn => _teacher is not null;

    /// <summary>Asks the teacher about the inputs that the model abstained from, and puts its answers in their places.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">The inputs.</param>
    /// <param name="response">The model's answers.</param>
    /// <param name="deadline">When the caller stops waiting; null: never.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>What the teacher answered in each place; null: nothing at all.</returns>
    public async Task<IReadOnlyList<TeacherAnswer?>?> ApplyAsync(
        ModelVersion model, PredictRequest request, PredictResponse response, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        if (_teacher is null) return null;
        var patience = Patience(TimeSpan.FromSeconds(_options.FallbackSeconds), deadline - _time.GetUtcNow());
        if (patience < TimeSpan.Zero) patience = TimeSpan.Zero;
        var asks = new List<(int Index, Task<(string Outcome, LiveAnswer? Answer)> Asked)>();
        for (var i = 0; i < response.Predictions.Count; i++)
        {
            var prediction = response.Predictions[i];
            if (prediction.Error is not null) continue;
            prediction.AnsweredBy = Student;
            if (prediction.Abstained) asks.Add((i, AskAsync(_teacher, model, request.Inputs[i], patience)));
        }

        if (asks.Count == 0) return null;
        await WaitAsync([.. asks.Select(a => a.Asked)], patience, cancellationToken);
        var answers = new TeacherAnswer?[response.Predictions.Count];
        foreach (var (i, asked) in asks)
        {
            var (outcome, answer) = asked.IsCompletedSuccessfully ? await asked : ("late", null);
            _metrics.FellBack(model.Name, outcome);
            if (answer is not { Label: { } label }) continue;
            answers[i] = new TeacherAnswer(response.Predictions[i], label, answer.Rationale);
            response.Predictions[i] = Replace(response.Predictions[i], label, request.Explain ? answer.Rationale : null);
        }

        return answers;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        while (Volatile.Read(ref _underWay) > 0) await Task.Delay(10);
        if (_teacher is not null) await _teacher.DisposeAsync();
        _places.Dispose();
        _stop.Dispose();
    }

    /// <summary>How long a call waits for its teacher.</summary>
    /// <param name="most">The longest time.</param>
    /// <param name="left">What is left of the call's deadline; null: it has none.</param>
    internal static TimeSpan Patience(TimeSpan most, TimeSpan? left)
    {
        if (left is not { } rest) return most;
        rest -= rest / 5 < Room ? rest / 5 : Room;
        return rest < most ? rest : most;
    }

    private async Task WaitAsync(Task[] asks, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(asks).WaitAsync(patience, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // What has come by now is used.
        }
    }

    /// <summary>Asks about one input; says why there is no answer where there is none, and never fails.</summary>
    private async Task<(string Outcome, LiveAnswer? Answer)> AskAsync(
        LiveTeacher teacher, ModelVersion model, PredictionInput input, TimeSpan patience)
    {
        if (_time.GetTimestamp() < Volatile.Read(ref _pausedUntil)) return ("paused", null);
        if (!await _places.WaitAsync(patience)) return ("busy", null);
        Interlocked.Increment(ref _underWay);
        var started = Stopwatch.GetTimestamp();
        try
        {
            var example = new Example { Id = "", Input = input.Text, Choices = input.Choices.Count == 0 ? null : [.. input.Choices] };
            var answer = await teacher.AskAsync(model.Task, example, _stop.Token);
            _metrics.FallbackTook(model.Name, Stopwatch.GetElapsedTime(started));
            return answer.Label is not null ? ("answered", answer) : (answer.NotAsked ? "budget" : "unusable", null);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return ("stopped", null);
        }
#pragma warning disable CA1031 // Whatever the teacher does, the abstention is the answer.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (e is not TeacherException { OfRequest: true })
            {
                Volatile.Write(ref _pausedUntil, _time.GetTimestamp() + (long)(Pause.TotalSeconds * _time.TimestampFrequency));
                _logger.FallbackFailed(Pause.TotalSeconds, e.Message.ReplaceLineEndings(" "));
            }

            return ("failed", null);
        }
        finally
        {
            _places.Release();
            Interlocked.Decrement(ref _underWay);
        }
    }

    /// <summary>The teacher's label in the place of the student's. The probabilities stay the student's: the teacher gives none.</summary>
    private static Prediction Replace(Prediction student, string label, string? rationale)
    {
        var answer = student.Clone();
        answer.Label = label;
        answer.Abstained = false;
        answer.AnsweredBy = Teacher;
        var index = student.Labels.IndexOf(label);
        if (index >= 0) answer.Probability = student.Probabilities[index];
        else answer.ClearProbability();
        if (rationale is null) answer.ClearRationale();
        else answer.Rationale = rationale;
        return answer;
    }
}
