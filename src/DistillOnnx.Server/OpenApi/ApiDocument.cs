using DistillOnnx.Server.Security;
using DistillOnnx.V1;
using Google.Api;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using static DistillOnnx.Server.OpenApi.ApiSchemas;

namespace DistillOnnx.Server.OpenApi;

/// <summary>
/// Describes what the server answers over HTTP: its own calls as the proto file has them, and the Open Inference Protocol.
/// </summary>
internal sealed class ApiDocument(ServerOptions options) : IOpenApiDocumentTransformer
{
    /// <summary>The document's name, which is in its address.</summary>
    public const string Name = "v1";

    private const string Own = "Predictions", Kserve = "Open Inference Protocol (KServe v2)", Probes = "Health";

    /// <inheritdoc/>
    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "DistillOnnx",
            Version = "1",
            Description =
                "Labels texts. The same port answers gRPC and gRPC-Web (distillonnx.v1.PredictionService, inference.GRPCInferenceService).",
        };
        document.Paths = [];
        document.Components = new OpenApiComponents();

        // Relative: the page is read at whatever address the server is reached by.
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.Tags = new HashSet<OpenApiTag>(((string[])[Own, Kserve, Probes]).Select(t => new OpenApiTag { Name = t }));
        var schemas = new ApiSchemas(document);
        AddOwn(document, schemas);
        AddKserve(document, schemas);
        AddSecurity(document);
        return Task.CompletedTask;
    }

    private static void AddOwn(OpenApiDocument document, ApiSchemas schemas)
    {
        var detail = Object(
            ["@type"],
            ("@type", Text()),
            ("fieldViolations", Array(Object(["field", "description"], ("field", Text()), ("description", Text())))),
            ("retryDelay", Text()));
        var fault = schemas.Add(
            "Status", Object(["code", "message"], ("code", Integer()), ("message", Text()), ("details", Array(detail))));
        var operations = new ApiOperations(document.Paths, fault, new OpenApiTagReference(Own, document));
        foreach (var method in PredictionService.Descriptor.Methods)
        {
            if (method.GetOptions()?.GetExtension(AnnotationsExtensions.Http) is not { } rule) continue;
            if (rule.Post.Length > 0) operations.Post(rule.Post, method.Name, schemas.Of(method.InputType), schemas.Of(method.OutputType));
            else operations.Get(rule.Get, method.Name, schemas.Of(method.OutputType), method);
        }
    }

    private static void AddKserve(OpenApiDocument document, ApiSchemas schemas)
    {
        var fault = schemas.Add("InferenceError", Object(["error"], ("error", Text())));
        var operations = new ApiOperations(document.Paths, fault, new OpenApiTagReference(Kserve, document));
        var tensor = schemas.Add(
            "TensorMetadata", Object(["name", "datatype", "shape"], ("name", Text()), ("datatype", Text()), ("shape", Array(Integer()))));
        operations.Get("/v2", "What the server is", schemas.Add("ServerMetadata", Object(
            ["name", "version", "extensions"], ("name", Text()), ("version", Text()), ("extensions", Array(Text())))));
        var metadata = schemas.Add("ModelMetadata", Object(
            ["name", "versions", "platform", "inputs", "outputs"],
            ("name", Text()), ("versions", Array(Text())), ("platform", Text()), ("inputs", Array(tensor)), ("outputs", Array(tensor))));
        var ready = schemas.Add("ModelReady", Object(["name", "ready"], ("name", Text()), ("ready", Flag())));
        var request = schemas.Add("InferenceRequest", Request());
        var answer = schemas.Add("InferenceResponse", Response());
        foreach (var model in new[] { "/v2/models/{name}", "/v2/models/{name}/versions/{version}" })
        {
            operations.Get(model, "A model's inputs and outputs", metadata);
            operations.Get(model + "/ready", "Whether a model answers", ready);
            operations.Post(model + "/infer", "Labels texts", request, answer);
        }

        var probes = new ApiOperations(document.Paths, fault, new OpenApiTagReference(Probes, document));
        var isLive = schemas.Add("Live", Object(["live"], ("live", Flag())));
        var isReady = schemas.Add("Ready", Object(["ready"], ("ready", Flag())));
        foreach (var path in new[] { "/healthz", "/v2/health/live" }) probes.Probe(path, "Whether the process answers", isLive);
        foreach (var path in new[] { "/readyz", "/v2/health/ready" })
            probes.Probe(path, "Whether the server has its models and is not stopping", isReady);
    }

    private static OpenApiSchema Request()
    {
        var input = Object(
            ["name", "shape", "datatype"],
            ("name", Text("text", "choices")),
            ("shape", Array(Integer())),
            ("datatype", Text("BYTES")),
            ("parameters", Object(("binary_data_size", Integer()), ("content_type", Text("str")))),
            ("data", Array(Any("a text, or an array of texts"))));
        var output = Object(
            ["name"],
            ("name", Text("label", "probability", "probabilities", "abstained", "truncated", "answered_by", "rationale")),
            ("parameters", Object(("binary_data", Flag()))));
        var parameters = Object(("binary_data_output", Flag()), ("explain", Flag()));
        return Object(
            ["inputs"], ("id", Text()), ("parameters", parameters), ("inputs", Array(input)), ("outputs", Array(output)));
    }

    private static OpenApiSchema Response() => Object(
        ["model_name", "model_version", "outputs"],
        ("model_name", Text()),
        ("model_version", Text()),
        ("id", Text()),
        ("outputs", Array(Object(
            ["name", "shape", "datatype"],
            ("name", Text()),
            ("shape", Array(Integer())),
            ("datatype", Text("BYTES", "FP32", "BOOL")),
            ("parameters", Object(("binary_data_size", Integer()))),
            ("data", Array(Any("a text, a number or a truth value")))))));

    private void AddSecurity(OpenApiDocument document)
    {
        if (!Access.IsRestricted(options)) return;
        document.Components!.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
        document.Security = [];
        if (options.ApiKeys.Count > 0)
            Add(
                "apiKey",
                new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = ApiKeyHandler.Header });
        if (options.JwtAuthority is not null || options.JwtKey is not null)
            Add("bearer", new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT" });

        void Add(string name, OpenApiSecurityScheme scheme)
        {
            document.Components.SecuritySchemes[name] = scheme;
            document.Security.Add(new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(name, document)] = [] });
        }
    }
}
