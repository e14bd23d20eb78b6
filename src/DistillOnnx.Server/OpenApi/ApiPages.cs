using Scalar.AspNetCore;

namespace DistillOnnx.Server.OpenApi;

/// <summary>The OpenAPI document and a page that shows it.</summary>
internal static class ApiPages
{
    // The page holds its script. This policy forbids the browser to load anything from elsewhere.
    private const string Policy =
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        + "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Adds the document.</summary>
    public static void Add(IServiceCollection services) =>
        services.AddOpenApi(ApiDocument.Name, o => o.AddDocumentTransformer<ApiDocument>());

    /// <summary>Maps both. They say what the server can do and nothing of its models, so they ask for no key.</summary>
    public static void Map(WebApplication app)
    {
        app.MapOpenApi().AllowAnonymous();
        app.MapScalarApiReference(
            "/docs", o => o.WithTitle("DistillOnnx").AddDocument(ApiDocument.Name).DisableDefaultFonts().DisableTelemetry().DisableAgent())
            .AllowAnonymous()
            .AddEndpointFilter(async (context, next) =>
            {
                context.HttpContext.Response.Headers.ContentSecurityPolicy = Policy;
                context.HttpContext.Response.Headers.XContentTypeOptions = "nosniff";
                return await next(context);
            });
    }
}
