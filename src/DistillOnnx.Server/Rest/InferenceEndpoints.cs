using DistillOnnx.Server.Models;
using DistillOnnx.Server.Security;
using DistillOnnx.Server.Services;
using Grpc.Core;

namespace DistillOnnx.Server.Rest;

/// <summary>The Open Inference Protocol (KServe v2) over REST, and what probes ask.</summary>
internal static class InferenceEndpoints
{
    private static readonly string[] Extensions = ["binary_tensor_data"];

    // HEAD is answered as GET; the web server leaves the body out.
    private static readonly string[] Reads = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(WebApplication app, ServerOptions options)
    {
        var calls = app.Services.GetRequiredService<InferenceCalls>();
        var lifecycle = app.Services.GetRequiredService<ModelLifecycle>();
        var catalog = app.Services.GetRequiredService<ModelCatalog>();
        var time = app.Services.GetRequiredService<TimeProvider>();
        bool IsReady() => lifecycle.IsReady && catalog.Models.Count > 0;
        Probe(app, "/healthz", "live", () => true);
        Probe(app, "/v2/health/live", "live", () => true);
        Probe(app, "/readyz", "ready", IsReady);
        Probe(app, "/v2/health/ready", "ready", IsReady);
        Get(app, "/v2", _ =>
        {
            var server = InferenceCalls.Server();
            return Results.Json(new { name = server.Name, version = server.Version, extensions = Extensions });
        });
        foreach (var model in new[] { "/v2/models/{name}", "/v2/models/{name}/versions/{version}" })
        {
            Get(app, model, c => Results.Json(InferenceResponseWriter.Metadata(calls.Describe(Name(c), Version(c)))));
            Get(app, model + "/ready", c =>
            {
                var ready = calls.IsReady(Name(c), Version(c));
                return Results.Json(
                    new { name = Name(c), ready }, statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
            });
            app.MapPost(model + "/infer", c => GuardAsync(c, () => InferAsync(c, calls, time, options.MessageBytes)));
        }
    }

    private static async Task InferAsync(HttpContext context, InferenceCalls calls, TimeProvider time, int limit)
    {
        var origin = CallOrigin.Of(context, time);
        var body = await RequestBody.ReadAsync(context.Request, limit, context.RequestAborted);
        var reader = InferenceRequestReader.Read(body, context.Request.Headers[InferenceRequestReader.HeaderLength].ToString());
        reader.Request.ModelName = Name(context);
        reader.Request.ModelVersion = Version(context);
        var answer = await calls.InferAsync(reader.Request, origin, context.RequestAborted);
        await InferenceResponseWriter.WriteAsync(context.Response, answer, reader.IsBinary, context.RequestAborted);
    }

    private static void Probe(WebApplication app, string path, string name, Func<bool> holds) => app.MapMethods(path, Reads, () =>
    {
        var answer = holds();
        return Results.Json(
            new Dictionary<string, bool>(StringComparer.Ordinal) { [name] = answer },
            statusCode: answer ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }).AllowAnonymous().WithMetadata(AdminOnly.Everywhere.Instance);

    private static void Get(WebApplication app, string path, Func<HttpContext, IResult> answer) =>
        app.MapMethods(path, Reads, (RequestDelegate)(c => GuardAsync(c, () => answer(c).ExecuteAsync(c))));

    private static async Task GuardAsync(HttpContext context, Func<Task> answer)
    {
        try
        {
            JsonFields.RefuseQuery(context.Request);
            await answer();
        }
        catch (RestException e)
        {
            await RestFaults.WriteAsync(context, e);
        }
        catch (RpcException e)
        {
            await RestFaults.WriteAsync(context, e);
        }
    }

    private static string Name(HttpContext context) => (string)context.Request.RouteValues["name"]!;

    private static string Version(HttpContext context) => (string?)context.Request.RouteValues["version"] ?? "";
}
