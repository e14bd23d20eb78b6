using Microsoft.AspNetCore.Cors.Infrastructure;

namespace DistillOnnx.Server.Security;

/// <summary>Which web pages may call from a browser (CORS): none but this server's own, unless origins are named.</summary>
internal static class CrossOrigin
{
    // What a script may read of an answer beside its body: gRPC-Web keeps the status in headers where there is no body, and
    // KServe's binary tensors begin where a header says.
    private static readonly string[] Readable =
    [
        "grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-retry-pushback-ms", "grpc-encoding", "retry-after",
        "www-authenticate", "allow", "Inference-Header-Content-Length",
    ];

    // JSON, KServe v2 and gRPC-Web need no others.
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Post];

    /// <summary>Adds the policy that the options ask for.</summary>
    public static void Add(IServiceCollection services, ServerOptions options)
    {
        if (options.CorsOrigins.Count == 0) return;
        services.AddCors(cors => cors.AddDefaultPolicy(Policy(options)));
    }

    /// <summary>Answers preflight requests, which carry no key, and marks answers: before callers have to prove who they are.</summary>
    public static void Use(WebApplication app, ServerOptions options)
    {
        if (options.CorsOrigins.Count > 0) app.UseCors();
    }

    /// <summary>Adds what is wrong with an origin.</summary>
    public static void Check(string origin, List<string> faults)
    {
        if (Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && uri.Scheme is "http" or "https"
            && uri.GetLeftPart(UriPartial.Authority).Equals(origin, StringComparison.OrdinalIgnoreCase)
            && uri.UserInfo.Length == 0)
            return;
        faults.Add($"cors-origins: \"{origin}\" is not an origin; expected http or https, a host and perhaps a port, and nothing after it");
    }

    // Keys and tokens travel in headers that the page's script sets itself, so cookies are not let through.
    private static CorsPolicy Policy(ServerOptions options) => new CorsPolicyBuilder([.. options.CorsOrigins])
        .WithMethods(Methods)
        .AllowAnyHeader()
        .WithExposedHeaders(Readable)
        .Build();
}
