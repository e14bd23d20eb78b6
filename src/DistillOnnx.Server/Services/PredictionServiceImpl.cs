using DistillOnnx.Server.Models;
using DistillOnnx.V1;
using Grpc.Core;

namespace DistillOnnx.Server.Services;

/// <summary>The wire's own service, <c>distillonnx.v1.PredictionService</c>.</summary>
internal sealed class PredictionServiceImpl(
    ModelCatalog catalog, PredictionCalls calls, TimeProvider time, IHostApplicationLifetime lifetime)
    : PredictionService.PredictionServiceBase
{
    public override Task<PredictResponse> Predict(PredictRequest request, ServerCallContext context) =>
        calls.PredictAsync(request, CallOrigin.Of(context, time), context.CancellationToken);

    public override Task PredictStream(
        IAsyncStreamReader<PredictStreamRequest> requestStream,
        IServerStreamWriter<PredictStreamResponse> responseStream,
        ServerCallContext context) =>
        new PredictionStream(calls, CallOrigin.Of(context, time), lifetime.ApplicationStopping)
            .RunAsync(requestStream, responseStream, context.CancellationToken);

    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context)
    {
        var response = new ListModelsResponse();
        foreach (var entry in catalog.Models.Values) response.Models.Add(ModelDescriptions.Describe(entry, entry.Current));
        return Task.FromResult(response);
    }

    public override Task<Model> GetModel(GetModelRequest request, ServerCallContext context)
    {
        try
        {
            return Task.FromResult(ModelDescriptions.Describe(catalog.Find(request.Name), catalog.Find(request.Name, request.Version)));
        }
        catch (ModelNotFoundException e)
        {
            throw Faults.NotFound(e);
        }
    }
}
