using System.Reflection;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Server.Fallback;
using DistillOnnx.Server.Models;
using Grpc.Core;
using Inference;

namespace DistillOnnx.Server.Services;

/// <summary>The Open Inference Protocol's calls, whether they come by gRPC or by REST.</summary>
internal sealed class InferenceCalls(
    ModelCatalog catalog, PredictionCalls calls, ModelLifecycle lifecycle, TeacherFallback fallback)
{
    /// <summary>What the server is.</summary>
    public static ServerMetadataResponse Server() => new()
    {
        Name = "distillonnx",
        Version = typeof(InferenceCalls).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
    };

    /// <summary>Whether a version of a model answers calls; empty: whether the current one does.</summary>
    /// <exception cref="RpcException">There is no such model or version.</exception>
    public bool IsReady(string name, string version)
    {
        Find(name, version);
        return lifecycle.IsReady;
    }

    /// <summary>A model's metadata.</summary>
    /// <exception cref="RpcException">There is no such model or version.</exception>
    public ModelMetadataResponse Describe(string name, string version)
    {
        var (entry, model) = Find(name, version);
        return InferenceTensors.Describe(entry, model, fallback.IsOn);
    }

    /// <summary>Answers a request.</summary>
    /// <exception cref="RpcException">The status that the client gets.</exception>
    public async Task<ModelInferResponse> InferAsync(ModelInferRequest request, CallOrigin origin, CancellationToken cancellationToken)
    {
        var (_, model) = Find(request.ModelName, request.ModelVersion);
        InferenceTensors.CheckParameters(request);
        var asked = InferenceTensors.Outputs(request, model.Task.Kind, fallback.IsOn);
        var own = InferenceTensors.Read(request, model.Task.Kind == TaskKind.Choices, InferenceTensors.HaveRationale(asked));
        var answer = await calls.PredictAsync(own, origin, cancellationToken);
        return InferenceTensors.Write(request, answer, asked);
    }

    private (ModelEntry Entry, ModelVersion Model) Find(string name, string version)
    {
        try
        {
            return (catalog.Find(name), catalog.Find(name, version));
        }
        catch (ModelNotFoundException e)
        {
            throw Faults.NotFound(e);
        }
    }
}
