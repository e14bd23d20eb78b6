using System.Net.Mime;
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
        if (context.GetEndpoint()?.Metadata.GetMetadata<GrpcJsonTranscodingMetadata>() is not { } call)
        {
            await next(context);
            return;
        }

        try
        {
            RestFaults.HintAtRetry(context);
            RefuseOtherMethod(context);
            if (HttpMethods.IsPost(context.Request.Method)) await PrepareAsync(context.Request, call, limit, context.RequestAborted);
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

        await next(context);
    });

    // A route takes ":predict" for the end of a model's name, and the answer would be that no model has it.
    private static void RefuseOtherMethod(HttpContext context)
    {
        if (HttpMethods.IsPost(context.Request.Method) || !context.Request.Path.Value!.EndsWith(Predict, StringComparison.Ordinal)) return;
        context.Response.Headers.Allow = HttpMethods.Post;
        throw new RestException(
            StatusCodes.Status405MethodNotAllowed, $"{context.Request.Path}: expected POST, found {context.Request.Method}");
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
