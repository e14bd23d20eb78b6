using DistillOnnx.Server.Security;
using DistillOnnx.Server.Services;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace DistillOnnx.Server.Rest;

/// <summary>Tells a caller whose access is denied what is missing: in a gRPC status, or in a JSON body beside the HTTP status.</summary>
internal sealed class Denials : IAuthorizationMiddlewareResultHandler
{
    private const string Grpc = "application/grpc";

    /// <inheritdoc/>
    public async Task HandleAsync(
        RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
        {
            await next(context);
            return;
        }

        if (authorizeResult.Challenged)
        {
            // Adds the headers that say how a caller proves who it is.
            foreach (var scheme in policy.AuthenticationSchemes) await context.ChallengeAsync(scheme);
        }

        var fault = authorizeResult.Challenged
            ? Of(StatusCode.Unauthenticated, $"expected a good {string.Join(" or ", policy.AuthenticationSchemes.Select(Credential))}")
            : Of(StatusCode.PermissionDenied, "the caller may not do this");
        if (context.Request.ContentType?.StartsWith(Grpc, StringComparison.Ordinal) != true)
        {
            await RestFaults.WriteAsync(context, fault);
            return;
        }

        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = context.Request.ContentType;
        Faults.Write(context.Response.Headers, fault);
    }

    private static string Credential(string scheme) =>
        scheme == ApiKeyHandler.SchemeName ? $"key in {ApiKeyHandler.Header}" : "bearer token in authorization";

    private static RpcException Of(StatusCode code, string message) => new(new Status(code, message));
}
