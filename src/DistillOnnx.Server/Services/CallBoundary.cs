using DistillOnnx.Server.Telemetry;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace DistillOnnx.Server.Services;

/// <summary>
/// Where calls come in. gRPC answers whatever it does not know with UNKNOWN and logs it as the server's error; but a message
/// that cannot be read is the client's fault, and what the server itself gets wrong is INTERNAL.
/// </summary>
internal sealed class CallBoundary(ILogger<CallBoundary> logger) : Interceptor
{
    /// <summary>The category under which gRPC logs what is answered or logged here.</summary>
    public const string Replaces = "Grpc.AspNetCore.Server.ServerCallHandler";

    /// <inheritdoc/>
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, () => continuation(request, context));

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, () => Completed(continuation(request, responseStream, context)));

    /// <inheritdoc/>
    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, () => Completed(continuation(requestStream, responseStream, context)));

    /// <summary>Answers calls whose only message could not be read: these end before any interceptor has them.</summary>
    public static void Use(WebApplication app) => app.Use(static async (context, next) =>
    {
        await next(context);
        var headers = context.Response.Headers;
        if (context.Response.HasStarted
            || headers.GrpcStatus != Faults.Number(StatusCode.Unknown)
            || context.Features.Get<Read>() is not null)
            return;
        Faults.Write(headers, Faults.Unreadable());
    });

    /// <summary>Runs a call. Messages of a client's stream are read within it, so what cannot be read comes through here too.</summary>
    private Task<T> GuardAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        Read.Mark(context);
        var running = call();

        // Each await throws an exception anew, and a refusal should cost little: its task is returned as it is.
        return running.IsFaulted && running.Exception!.InnerException is RpcException ? running : AwaitAsync(context, running);
    }

    private async Task<T> AwaitAsync<T>(ServerCallContext context, Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (Exception e) when (e is not (RpcException or OperationCanceledException))
        {
            throw Translate(e, context);
        }
    }

    private static async Task<bool> Completed(Task stream)
    {
        await stream;
        return true;
    }

    private RpcException Translate(Exception exception, ServerCallContext context)
    {
        if (exception is InvalidProtocolBufferException) return Faults.Unreadable();

        // A client that disconnects ends its streams, which is no fault of the server.
        if (!context.CancellationToken.IsCancellationRequested) logger.CallFailed(exception, context.Method);
        return Faults.Internal();
    }

    /// <summary>A feature that marks calls whose message was read.</summary>
    private sealed class Read
    {
        private static readonly Read Instance = new();

        public static void Mark(ServerCallContext context) => context.GetHttpContext().Features.Set(Instance);
    }
}
