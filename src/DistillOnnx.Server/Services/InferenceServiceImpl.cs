using System.Reflection;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Server.Models;
using Grpc.Core;
using Inference;

namespace DistillOnnx.Server.Services;

/// <summary>The Open Inference Protocol (KServe v2) over the same models, queues and limits.</summary>
internal sealed class InferenceServiceImpl(ModelCatalog catalog, PredictionCalls calls, IHostApplicationLifetime lifetime)
    : GRPCInferenceService.GRPCInferenceServiceBase
{
    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerLiveResponse { Live = true });

    public override Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerReadyResponse { Ready = !lifetime.ApplicationStopping.IsCancellationRequested && catalog.Models.Count > 0 });

    public override Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context)
    {
        var ready = !lifetime.ApplicationStopping.IsCancellationRequested
            && catalog.Models.TryGetValue(request.Name, out var entry)
            && (request.Version.Length == 0 || entry.Versions.ContainsKey(request.Version));
        return Task.FromResult(new ModelReadyResponse { Ready = ready });
    }

    public override Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerMetadataResponse
        {
            Name = "distillonnx",
            Version = typeof(InferenceServiceImpl).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
        });

    public override Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context)
    {
        try
        {
            var entry = catalog.Find(request.Name);
            return Task.FromResult(InferenceTensors.Describe(entry, catalog.Find(request.Name, request.Version)));
        }
        catch (ModelNotFoundException e)
        {
            throw Faults.NotFound(e);
        }
    }

    public override async Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context)
    {
        ModelVersion model;
        try
        {
            model = catalog.Find(request.ModelName, request.ModelVersion);
        }
        catch (ModelNotFoundException e)
        {
            throw Faults.NotFound(e);
        }

        var asked = InferenceTensors.Outputs(request, model.Task.Kind);
        var answer = await calls.PredictAsync(InferenceTensors.Read(request, model.Task.Kind == TaskKind.Choices), CallOrigin.Of(context), context.CancellationToken);
        return InferenceTensors.Write(request, answer, asked);
    }
}
