using System.Net.Mime;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Grpc.JsonTranscoding;
using Microsoft.Net.Http.Headers;

namespace DistillOnnx.Server.Rest;

/// <summary>
/// What JSON calls go through before the transcoder has them: their bodies are unpacked within the limit of a message and
/// checked field by field, of which the transcoder would say only that something cannot be read.
/// </summary>
internal static class JsonRequests
{
    private const string Predict = ":predict";

    public static void Use(WebApplication app, int limit) => app.Use(async (context, next) =>
    {
        if (OtherMethod(context) is { } allowed)
        {
            context.Response.Headers.Allow = allowed;
            await RestFaults.WriteMethodAsync(context);
            return;
        }

        if (context.GetEndpoint()?.Metadata.GetMetadata<GrpcJsonTranscodingMetadata>() is not { } call)
        {
            await next(context);
            return;
        }

        try
        {
            RestFaults.HintAtRetry(context);
            if (HttpMethods.IsPost(context.Request.Method)) await PrepareAsync(context.Request, call, limit, context.RequestAborted);
            else JsonFields.RefuseQuery(context.Request, QueryFields(call.MethodDescriptor, context.Request.RouteValues.Keys));
        }
        catch (RestException e)
        {
            await RestFaults.WriteAsync(context, e);
            return;
        }
        catch (RpcException e)
        {
            await RestFaults.WriteAsync(context, e);
            return;
        }

        await TranscodedFaults.RunAsync(context, next);
    });

    /// <summary>What a call without a body reads from its address, beside the path.</summary>
    /// <param name="method">The call.</param>
    /// <param name="inPath">The fields of its message that the path gives.</param>
    public static IReadOnlyList<string> QueryFields(MethodDescriptor method, ICollection<string> inPath) =>
        [.. method.InputType.Fields.InDeclarationOrder().Where(f => !inPath.Contains(f.Name)).Select(f => f.JsonName)];

    /// <summary>The method that a model's paths answer where the request has another; otherwise null.</summary>
    // The route that describes a model takes ":predict" for the end of its name: GET would be answered that no model has it, every other
    // method that GET is answered, and POST without ":predict" that there is no such path.
    private static string? OtherMethod(HttpContext context)
    {
        if (!context.Request.Path.StartsWithSegments("/v1/models", StringComparison.Ordinal, out var rest)) return null;
        var (name, method) = (rest.Value ?? "", context.Request.Method);
        if (name.Length < 2 || name.IndexOf('/', 1) >= 0) return null;
        if (!name.EndsWith(Predict, StringComparison.Ordinal)) return HttpMethods.IsPost(method) ? HttpMethods.Get : null;
        return HttpMethods.IsPost(method) || context.GetEndpoint() is null ? null : HttpMethods.Post;
    }

    private static async Task PrepareAsync(
        HttpRequest request, GrpcJsonTranscodingMetadata call, int limit, CancellationToken cancellationToken)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !type.MediaType.Equals(MediaTypeNames.Application.Json, StringComparison.OrdinalIgnoreCase)
            || !(type.Charset.Length == 0
                || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
        {
            throw new RestException(
                StatusCodes.Status415UnsupportedMediaType,
                $"content-type: expected {MediaTypeNames.Application.Json} in UTF-8, found \"{request.ContentType}\"");
        }

        JsonFields.RefuseQuery(request);
        var json = await RequestBody.ReadAsync(request, limit, cancellationToken);
        var body = JsonMessage.Rewrite(json, call.MethodDescriptor.InputType, request.RouteValues);
        request.Headers.ContentEncoding = default;
        request.Headers.ContentLength = body.Length;
        request.Body = new MemoryStream(body);
    }
}
