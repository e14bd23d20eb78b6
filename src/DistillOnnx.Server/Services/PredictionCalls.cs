using System.Diagnostics;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Collecting;
using DistillOnnx.Server.Fallback;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Telemetry;
using DistillOnnx.V1;
using Grpc.Core;

namespace DistillOnnx.Server.Services;

/// <summary>A prediction from request to response, whatever service it came through: check, encode, queue, answer.</summary>
internal sealed class PredictionCalls(
    ModelCatalog catalog,
    RequestLimits limits,
    TeacherFallback fallback,
    Collector collector,
    ServerMetrics metrics,
    TimeProvider time,
    ILogger<PredictionCalls> logger)
{
    /// <summary>Answers a request.</summary>
    /// <exception cref="RpcException">The status that the client gets.</exception>
    public async Task<PredictResponse> PredictAsync(PredictRequest request, CallOrigin origin, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        using var ending = End(origin, cancellationToken);
        var token = ending?.Token ?? cancellationToken;
        using var lease = Lease(request);
        var model = lease.Model;
        try
        {
            // A full queue refuses the call before its texts are tokenised.
            if (model.Batcher.RefusalOf(origin.Caller, request.Inputs.Count, origin.Deadline) is { } refusal) throw Faults.Refused(refusal);
            var unable = request.Explain && model.Predictor.CannotExplain is { } why ? Faults.Unable("explain", why) : null;
            if (unable is not null && !request.Partial) throw unable;
            using var room = request.Explain && unable is null ? Rationales.Take(model, request, origin.Caller) : null;
            var rows = RowSet.Encode(request, model, limits);
            if (unable is not null) rows = rows.Refuse(unable);
            var encoded = Stopwatch.GetElapsedTime(started);
            var answers = rows.Encoded.Count == 0
                ? []
                : await model.Batcher.RunAsync(new BatchCall(rows.Encoded, origin.Caller, origin.Deadline, token) { RunsOnCaller = true });

            // A batch that is stopped because its callers left may end before the call's own cancellation is seen.
            if (answers.Any(a => a.Fault is OperationCanceledException)) token.ThrowIfCancellationRequested();
            var rationales = await Rationales.WriteAsync(room, request, rows, answers, token);
            LogFaults(model, rows, answers);
            var response = PredictResponses.Build(request, model, rows, answers, rationales, encoded, Stopwatch.GetElapsedTime(started));
            var teacher = await fallback.ApplyAsync(model, request, response, origin.Deadline, token);
            if (teacher is not null) response.Timings.TotalMs = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            collector.Offer(model, request, response, teacher);
            Report(request, response, model.Name);
            return response;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.InvalidArgument or StatusCode.FailedPrecondition)
        {
            metrics.Rejected(model.Name, e.StatusCode == StatusCode.InvalidArgument ? "invalid_argument" : "failed_precondition");
            throw;
        }
        catch (RefusedException e)
        {
            throw Faults.Refused(e);
        }
        catch (TimeoutException e)
        {
            throw Faults.Late(e);
        }
        catch (OperationCanceledException)
        {
            // The deadline cancels the call too; the status then names the deadline.
            var late = time.GetUtcNow() >= origin.Deadline || (token.IsCancellationRequested && !cancellationToken.IsCancellationRequested);
            throw late ? Faults.Late(new TimeoutException("the deadline passed")) : Faults.Cancelled();
        }
    }

    /// <summary>Cancels a call at its deadline, where the transport does not.</summary>
    private CancellationTokenSource? End(CallOrigin origin, CancellationToken cancellationToken)
    {
        if (origin.EndsItself || origin.Deadline is not { } deadline) return null;
        var left = deadline - time.GetUtcNow();
        var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ending.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        return ending;
    }

    private ModelVersion.Lease Lease(PredictRequest request)
    {
        try
        {
            return catalog.Lease(request.Model, request.Version);
        }
        catch (ModelNotFoundException e)
        {
            metrics.Rejected("", "not_found");
            throw Faults.NotFound(e);
        }
    }

    private void LogFaults(ModelVersion model, RowSet rows, RowAnswer[] answers)
    {
        for (var i = 0; i < answers.Length; i++)
        {
            if (answers[i].Fault is { } fault and not (Core.InputException or OperationCanceledException))
                logger.RowFailed(fault, model.Name, model.Version, rows.Encoded[i].Tokens);
        }
    }

    private void Report(PredictRequest request, PredictResponse response, string model)
    {
        TimeSpan Of(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);
        var t = response.Timings;
        metrics.Answered(model, Of(t.TokenizeMs), Of(t.QueueMs), Of(t.InferenceMs), Of(t.TotalMs));
        CallTracing.Add(
            metrics.Activities, model, response.Predictions.Count, Of(t.TokenizeMs), Of(t.QueueMs), Of(t.InferenceMs), Of(t.TotalMs));
        logger.Answered(model, response.Predictions.Count, t.TotalMs);
        if (!logger.IsEnabled(LogLevel.Trace)) return;
        for (var i = 0; i < response.Predictions.Count; i++)
            logger.AnsweredText(model, request.Inputs[i].Text, response.Predictions[i].Label);
    }
}
