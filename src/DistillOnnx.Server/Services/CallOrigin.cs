using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;

namespace DistillOnnx.Server.Services;

/// <summary>Who calls, and until when.</summary>
/// <param name="Caller">The identity that was proved, or else the connection: what takes turns in the queue.</param>
/// <param name="Deadline">When the caller stops waiting; null: never.</param>
internal sealed record CallOrigin(string Caller, DateTimeOffset? Deadline)
{
    public static CallOrigin Of(ServerCallContext context) => new(
        CallerOf(context.GetHttpContext()), context.Deadline == DateTime.MaxValue ? null : new DateTimeOffset(context.Deadline, TimeSpan.Zero));

    /// <summary>Who calls.</summary>
    public static string CallerOf(HttpContext context) => context.User.Identity is { IsAuthenticated: true, Name: { } name } ? "user " + name
        : context.Features.Get<IConnectionIdFeature>()?.ConnectionId ?? context.Connection.Id;
}
