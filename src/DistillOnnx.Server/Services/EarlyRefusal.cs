using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Models;
using Grpc.AspNetCore.Server;
using Grpc.Core;

namespace DistillOnnx.Server.Services;

/// <summary>
/// Refuses predictions unread, where the one model that is served has no room or no time for even the shortest. Far above
/// its capacity a server refuses more calls than it answers, and what each costs is taken from the answers: these end with
/// nothing but headers, before gRPC has made anything of them.
/// </summary>
internal sealed class EarlyRefusal(ModelCatalog catalog, ServerOptions options, TimeProvider time)
{
    private const string Content = "application/grpc";

    /// <summary>Puts it before the services; callers must be known by then.</summary>
    public static void Use(WebApplication app)
    {
        var early = new EarlyRefusal(
            app.Services.GetRequiredService<ModelCatalog>(),
            app.Services.GetRequiredService<ServerOptions>(),
            app.Services.GetRequiredService<TimeProvider>());
        app.Use(
            (context, next) => early.Find(context) is { } refusal ? early.RefuseAsync(context, Faults.Refused(refusal)) : next(context));
    }

    private RefusedException? Find(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is not { Method.Name: "Predict" or "ModelInfer" })
            return null;
        if (context.Request.ContentType?.StartsWith(Content, StringComparison.Ordinal) != true) return null;

        // Which of several models is meant only the message says.
        var models = catalog.Models;
        if (models.Count != 1 || models.Values.First() is not { Versions.Count: 1 } model) return null;
        var timeout = GrpcTimeout.Parse(context.Request.Headers["grpc-timeout"]);
        var refusal = model.Current.Batcher.RefusalOf(
            CallOrigin.CallerOf(context), rows: 1, timeout is { } t ? time.GetUtcNow() + t : null);
        return refusal?.Reason == RefusalReason.Draining ? null : refusal;
    }

    private async Task RefuseAsync(HttpContext context, RpcException fault)
    {
        await SkipMessageAsync(context);
        context.Response.ContentType = Content;
        Faults.Write(context.Response.Headers, fault);
    }

    /// <summary>Lets the client finish what it sends: some take the end of a call before that for a failure of the connection.</summary>
    private async Task SkipMessageAsync(HttpContext context)
    {
        var body = context.Request.BodyReader;
        try
        {
            for (long skipped = 0; skipped <= options.MessageBytes;)
            {
                var read = await body.ReadAsync(context.RequestAborted);
                skipped += read.Buffer.Length;
                body.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client has disconnected.
        }
    }
}
