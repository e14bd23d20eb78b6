using DistillOnnx.Server.Models;
using Grpc.Core;
using Inference;

namespace DistillOnnx.Server.Services;

/// <summary>The Open Inference Protocol (KServe v2) over the same models, queues and limits.</summary>
internal sealed class InferenceServiceImpl(ModelCatalog catalog, InferenceCalls calls, ModelLifecycle lifecycle, TimeProvider time)
    : GRPCInferenceService.GRPCInferenceServiceBase
{
    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerLiveResponse { Live = true });

    public override Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerReadyResponse { Ready = lifecycle.IsReady && catalog.Models.Count > 0 });

    public override Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ModelReadyResponse { Ready = calls.IsReady(request.Name, request.Version) });

    public override Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context) =>
        Task.FromResult(InferenceCalls.Server());

    public override Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context) =>
        Task.FromResult(calls.Describe(request.Name, request.Version));

    public override Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context) =>
        calls.InferAsync(request, CallOrigin.Of(context, time), context.CancellationToken);
}
