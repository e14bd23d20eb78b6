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
    public static void Use(WebApplication app, int limit) => app.Use(async (context, next) =>
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<GrpcJsonTranscodingMetadata>() is not { } call
            || !HttpMethods.IsPost(context.Request.Method))
        {
            await next(context);
            return;
        }

        try
        {
            await PrepareAsync(context.Request, call, limit, context.RequestAborted);
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

        var json = await RequestBody.ReadAsync(request, limit, cancellationToken);
        var body = JsonMessage.Rewrite(json, call.MethodDescriptor.InputType, request.RouteValues);
        request.Headers.ContentEncoding = default;
        request.Headers.ContentLength = body.Length;
        request.Body = new MemoryStream(body);
    }
}
