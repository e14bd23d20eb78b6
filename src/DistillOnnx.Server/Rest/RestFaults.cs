using System.Net.Mime;
using DistillOnnx.Server.Services;
using Google.Protobuf;
using Grpc.Core;

namespace DistillOnnx.Server.Rest;

/// <summary>
/// Errors over HTTP: <c>{"error": …}</c> where the Open Inference Protocol is spoken, else <c>google.rpc.Status</c> as
/// JSON.
/// </summary>
internal static class RestFaults
{
    // The header has whole seconds, and what waits is seldom longer.
    private const string Soon = "1";

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithTypeRegistry(Faults.DetailTypes));

    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(Faults.DetailTypes));

    /// <summary>Says when to try again where an answer that something else writes turns out to be a full queue.</summary>
    public static void HintAtRetry(HttpContext context) => context.Response.OnStarting(
        static state =>
        {
            var response = (HttpResponse)state;
            if (response.StatusCode == StatusCodes.Status429TooManyRequests) response.Headers.RetryAfter = Soon;
            return Task.CompletedTask;
        },
        context.Response);

    /// <summary>Answers with a fault.</summary>
    public static Task WriteAsync(HttpContext context, RpcException fault)
    {
        if (fault.StatusCode == StatusCode.ResourceExhausted) context.Response.Headers.RetryAfter = Soon;
        return WriteAsync(context, StatusOf(fault.StatusCode), fault);
    }

    /// <summary>Answers with a fault that HTTP has a status of its own for.</summary>
    public static Task WriteAsync(HttpContext context, RestException fault) => WriteAsync(
        context, fault.Status, new RpcException(new Status(StatusCode.InvalidArgument, fault.Message)));

    /// <summary>Says that a path does not answer the request's method; the response's headers have those that it does.</summary>
    public static Task WriteMethodAsync(HttpContext context) => WriteAsync(
        context,
        StatusCodes.Status405MethodNotAllowed,
        new RpcException(
            new Status(
                StatusCode.Unimplemented,
                $"{context.Request.Path}: expected {context.Response.Headers.Allow}, found {context.Request.Method}")));

    /// <summary>Answers with a fault under a given HTTP status.</summary>
    public static Task WriteAsync(HttpContext context, int status, RpcException fault)
    {
        context.Response.StatusCode = status;
        if (context.Request.Path.StartsWithSegments("/v2", StringComparison.Ordinal))
            return context.Response.WriteAsJsonAsync(new { error = fault.Status.Detail }, context.RequestAborted);
        return WriteAsync(context, Faults.Whole(fault));
    }

    /// <summary>Answers with a fault that the transcoder has as JSON, under the HTTP status that it set.</summary>
    public static Task WriteAsync(HttpContext context, byte[] transcoded)
    {
        using var stream = new MemoryStream(transcoded);
        using var reader = new StreamReader(stream);
        return WriteAsync(context, Parser.Parse<Google.Rpc.Status>(reader));
    }

    private static Task WriteAsync(HttpContext context, Google.Rpc.Status fault)
    {
        context.Response.ContentType = MediaTypeNames.Application.Json;
        return context.Response.WriteAsync(Formatter.Format(fault), context.RequestAborted);
    }

    /// <summary>The HTTP status of a gRPC status.</summary>
    private static int StatusOf(StatusCode code) => code switch
    {
        StatusCode.InvalidArgument or StatusCode.FailedPrecondition => StatusCodes.Status400BadRequest,
        StatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
        StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
        StatusCode.NotFound => StatusCodes.Status404NotFound,
        StatusCode.ResourceExhausted => StatusCodes.Status429TooManyRequests,
        StatusCode.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
        StatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
        StatusCode.Cancelled => StatusCodes.Status499ClientClosedRequest,
        _ => StatusCodes.Status500InternalServerError,
    };
}
