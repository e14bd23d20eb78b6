using System.Diagnostics;
using DistillOnnx.Server.Batching;
using DistillOnnx.Server.Models;
using DistillOnnx.V1;
using Grpc.Core;

namespace DistillOnnx.Server.Services;

/// <summary>A prediction from request to response, whatever service it came through: check, encode, queue, answer.</summary>
internal sealed class PredictionCalls(ModelCatalog catalog, RequestLimits limits)
{
    /// <summary>Answers a request.</summary>
    /// <exception cref="RpcException">The status that the client gets.</exception>
    public async Task<PredictResponse> PredictAsync(PredictRequest request, CallOrigin origin, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        using var lease = Lease(request);
        var model = lease.Model;
        var rows = RowSet.Encode(request, model, limits);
        var encoded = Stopwatch.GetElapsedTime(started);
        var answers = rows.Encoded.Count == 0 ? [] : await RunAsync(model, rows.Encoded, origin, cancellationToken);
        return PredictResponses.Build(request, model, rows, answers, encoded, Stopwatch.GetElapsedTime(started));
    }

    private static async Task<RowAnswer[]> RunAsync(ModelVersion model, IReadOnlyList<EncodedRow> rows, CallOrigin origin, CancellationToken cancellationToken)
    {
        try
        {
            return await model.Batcher.RunAsync(new BatchCall(rows, origin.Caller, origin.Deadline, cancellationToken));
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
            throw DateTimeOffset.UtcNow >= origin.Deadline ? Faults.Late(new TimeoutException("the deadline passed")) : Faults.Cancelled();
        }
    }

    private ModelVersion.Lease Lease(PredictRequest request)
    {
        try
        {
            return catalog.Lease(request.Model, request.Version);
        }
        catch (ModelNotFoundException e)
        {
            throw Faults.NotFound(e);
        }
    }
}
