using DistillOnnx.Server.Security;
using DistillOnnx.Server.Services;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.WebUtilities;

namespace DistillOnnx.Server.Rest;

/// <summary>
/// Says what is wrong where a request ends with nothing but a status: a path that there is not, a method that a path does not
/// answer, a body that is no gRPC message where one is due.
/// </summary>
internal static class UnansweredRequests
{
    private const string Grpc = "application/grpc";

    /// <summary>Puts it around whatever comes after it.</summary>
    public static void Use(WebApplication app) => app.UseStatusCodePages(pages => WriteAsync(pages.HttpContext));

    private static Task WriteAsync(HttpContext context)
    {
        if (context.Request.ContentType?.StartsWith(Grpc, StringComparison.Ordinal) == true)
        {
            AnswerGrpc(context);
            return Task.CompletedTask;
        }

        if (context.Response.StatusCode == StatusCodes.Status405MethodNotAllowed) return RestFaults.WriteMethodAsync(context);
        var isMethod = context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is not null;
        var (status, code, message) = (context.Response.StatusCode, isMethod) switch
        {
            (StatusCodes.Status415UnsupportedMediaType, true) => (
                StatusCodes.Status415UnsupportedMediaType,
                StatusCode.InvalidArgument,
                $"content-type: expected {Grpc} or {Grpc}-web, found \"{context.Request.ContentType}\"; "
                + "JSON is posted to /v1/models/NAME:predict"),

            (StatusCodes.Status404NotFound, _) => (StatusCodes.Status404NotFound, StatusCode.NotFound, NoSuchPath(context)),
            var (other, _) => (other, StatusCode.Unknown, ReasonPhrases.GetReasonPhrase(other)),
        };
        return RestFaults.WriteAsync(context, status, new RpcException(new Status(code, message)));
    }

    /// <summary>A gRPC client reads the status from the headers.</summary>
    private static void AnswerGrpc(HttpContext context)
    {
        if (context.Response.StatusCode != StatusCodes.Status404NotFound) return;
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = context.Request.ContentType;
        Faults.Write(context.Response.Headers, new RpcException(new Status(StatusCode.Unimplemented, NoSuchPath(context))));
    }

    private static string NoSuchPath(HttpContext context) => context.Features.Get<AdminConnection>() is null
        ? $"no such path: {context.Request.Path}; /openapi/v1.json lists those there are"
        : $"no such path: {context.Request.Path}; this address is for operators alone";
}
