using DistillOnnx.Core;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Models;
using DistillOnnx.V1;
using Grpc.Core;

namespace DistillOnnx.Server.Services;

/// <summary>Turns answers into responses.</summary>
internal static class PredictResponses
{
    /// <summary>Builds a response.</summary>
    /// <exception cref="RpcException">A row failed, and no partial answer is wanted.</exception>
    public static PredictResponse Build(
        PredictRequest request,
        ModelVersion model,
        RowSet rows,
        RowAnswer[] answers,
        IReadOnlyList<string?> rationales,
        TimeSpan tokenize,
        TimeSpan total)
    {
        var response = new PredictResponse
        {
            Model = model.Name,
            Version = model.Version,
            Timings = new Timings
            {
                TokenizeMs = tokenize.TotalMilliseconds,
                QueueMs = answers.Length == 0 ? 0 : answers.Max(a => a.Queued).TotalMilliseconds,
                InferenceMs = answers.Length == 0 ? 0 : answers.Max(a => a.Inference).TotalMilliseconds,
                TotalMs = total.TotalMilliseconds,
            },
        };
        var next = 0;
        for (var i = 0; i < rows.Faults.Count; i++)
        {
            var fault = rows.Faults[i];
            RowAnswer? answer = fault is null ? answers[next] : null;
            var rationale = fault is null ? rationales[next++] : null;
            fault ??= FaultOf(answer!.Value, i);
            if (fault is not null && !request.Partial) throw fault;
            response.Predictions.Add(fault is null
                ? Convert(answer!.Value, rationale, model, request, i)
                : new Prediction { Error = ErrorOf(fault) });
        }

        return response;
    }

    /// <summary>A status as a part of a message.</summary>
    public static Error ErrorOf(RpcException fault) => new() { Code = (int)fault.StatusCode, Message = fault.Status.Detail };

    private static RpcException? FaultOf(RowAnswer answer, int index) => answer.Fault switch
    {
        null => null,
        InputException e => Faults.Invalid($"inputs[{index}]", e.Message),
        OperationCanceledException => Faults.Cancelled(),
        _ => Faults.Internal(),
    };

    private static Prediction Convert(RowAnswer answer, string? rationale, ModelVersion model, PredictRequest request, int index)
    {
        var found = answer.Prediction!;
        var prediction = new Prediction
        {
            Label = found.Label,
            Abstained = found.Abstained,
            Truncated = found.Truncated,
            InputTokens = found.InputTokens,
        };
        if (rationale is not null) prediction.Rationale = rationale;
        if (found.Probability is { } probability) prediction.Probability = probability;
        if (found.Probabilities is { } probabilities)
        {
            prediction.Probabilities.AddRange(probabilities);
            prediction.Labels.AddRange(model.Task.Labels ?? (IEnumerable<string>)request.Inputs[index].Choices);
        }

        if (request.Raw && found.RawLogProbabilities is { } raw) prediction.RawLogProbabilities.AddRange(raw);
        return prediction;
    }
}
