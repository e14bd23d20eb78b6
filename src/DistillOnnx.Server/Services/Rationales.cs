using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Models;
using DistillOnnx.V1;
using Grpc.Core;
using Input = DistillOnnx.Core.Prediction.PredictorInput;

namespace DistillOnnx.Server.Services;

/// <summary>The rationales of one call, written after its labels are there.</summary>
internal static class Rationales
{
    /// <summary>Takes room in the model's queue for a call's inputs.</summary>
    /// <exception cref="RpcException">The call has more inputs than a caller may ever have wait.</exception>
    /// <exception cref="RefusedException">There is no room now.</exception>
    public static RationaleQueue.Room Take(ModelVersion model, PredictRequest request, string caller)
    {
        var (most, rows) = (model.Rationales.MaxCallerRows, request.Inputs.Count);
        if (rows > most) throw Faults.Invalid("inputs", $"expected at most {most} with explain, found {rows}");
        return model.Rationales.Take(caller, rows);
    }

    /// <summary>Writes a rationale for each input that has a label. An input whose rationale fails gets that fault.</summary>
    /// <param name="room">The call's room in the queue; null: no rationale is wanted.</param>
    /// <param name="request">The request.</param>
    /// <param name="rows">Its inputs.</param>
    /// <param name="answers">What became of the encoded inputs; faults are added.</param>
    /// <param name="token">Ends the call.</param>
    /// <returns>One for each encoded input; null: none.</returns>
    public static async Task<string?[]> WriteAsync(
        RationaleQueue.Room? room, PredictRequest request, RowSet rows, RowAnswer[] answers, CancellationToken token)
    {
        var rationales = new string?[answers.Length];
        if (room is null) return rationales;
        var next = 0;
        foreach (var position in rows.Positions)
        {
            // Without partial answers one fault is the answer to the whole call.
            if (!request.Partial && answers.Any(a => a.Fault is not null)) break;
            var i = next++;
            if (answers[i].Fault is not null) continue;
            try
            {
                rationales[i] = await room.ExplainAsync(new Input(request.Inputs[position].Text), token);
            }
#pragma warning disable CA1031 // Whatever one input's rationale throws is that input's fault.
            catch (Exception e) when (e is not (OperationCanceledException or RefusedException))
#pragma warning restore CA1031
            {
                answers[i] = answers[i] with { Fault = e };
            }
        }

        return rationales;
    }
}
