using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;

namespace DistillOnnx.Server.Services;

/// <summary>Who calls, and until when.</summary>
/// <param name="Caller">The identity that was proved, or else the connection: what takes turns in the queue.</param>
/// <param name="Deadline">When the caller stops waiting; null: never.</param>
/// <param name="EndsItself">Whether the call is cancelled at its deadline by whoever took it: gRPC does so, plain HTTP does not.</param>
internal sealed record CallOrigin(string Caller, DateTimeOffset? Deadline, bool EndsItself)
{
    private const string Header = "grpc-timeout";

    private const string Grpc = "application/grpc";

    /// <summary>The origin of a call of a gRPC service, which may have come as JSON.</summary>
    /// <exception cref="RpcException">A JSON call's deadline cannot be read.</exception>
    public static CallOrigin Of(ServerCallContext context, TimeProvider time)
    {
        var http = context.GetHttpContext();
        if (http.Request.ContentType?.StartsWith(Grpc, StringComparison.Ordinal) != true) return Of(http, time);
        return new(
            CallerOf(http),
            context.Deadline == DateTime.MaxValue ? null : new DateTimeOffset(context.Deadline, TimeSpan.Zero),
            EndsItself: true);
    }

    /// <summary>The origin of an HTTP call: its deadline is said in the header that gRPC uses.</summary>
    /// <exception cref="RpcException">The header cannot be read.</exception>
    public static CallOrigin Of(HttpContext context, TimeProvider time)
    {
        var header = context.Request.Headers[Header].ToString();
        if (header.Length == 0) return new(CallerOf(context), null, EndsItself: false);
        var timeout = GrpcTimeout.Parse(header)
            ?? throw Faults.Invalid(Header, $"expected at most eight digits and one of H, M, S, m, u or n, found \"{header}\"");
        return new(CallerOf(context), time.GetUtcNow() + timeout, EndsItself: false);
    }

    /// <summary>Who calls.</summary>
    public static string CallerOf(HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true, Name: { } name } ? "user " + name
        : context.Features.Get<IConnectionIdFeature>()?.ConnectionId ?? context.Connection.Id;
}
