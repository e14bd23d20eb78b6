using System.Globalization;
using System.Net.Mime;
using DistillOnnx.Server.Rest;
using Google.Protobuf.Reflection;
using Microsoft.OpenApi;

namespace DistillOnnx.Server.OpenApi;

/// <summary>Adds operations to a document's paths.</summary>
/// <param name="paths">The paths.</param>
/// <param name="fault">What errors look like.</param>
/// <param name="tag">The interface that the operations belong to.</param>
internal sealed class ApiOperations(OpenApiPaths paths, IOpenApiSchema fault, OpenApiTagReference tag)
{
    private static readonly (int Status, string Means)[] ReadFaults =
    [
        (400, "the request is at fault; the message names the field"), (401, "no good credentials"), (404, "no such model or version"),
    ];

    private static readonly (int Status, string Means)[] PredictFaults =
    [
        .. ReadFaults,
        (413, "the body is too large"),
        (415, "the body's type or encoding is not known"),
        (429, "the queue is full, or too long for the deadline"),
        (500, "the server's own fault"),
        (503, "shutting down"),
        (504, "the deadline passed"),
    ];

    /// <summary>Adds an operation that reads.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="summary">What it does.</param>
    /// <param name="answer">What it answers.</param>
    /// <param name="method">The call of the proto file that it is, whose other fields are parameters of the address; null: none.</param>
    public void Get(string path, string summary, IOpenApiSchema answer, MethodDescriptor? method = null)
    {
        var operation = Add(HttpMethod.Get, path, summary, null, answer, ReadFaults);
        if (method is null) return;
        foreach (var name in JsonRequests.QueryFields(method, [.. operation.Parameters!.Select(p => p.Name!)]))
            operation.Parameters!.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Query, Schema = ApiSchemas.Text() });
    }

    /// <summary>Adds an operation that predicts.</summary>
    public void Post(string path, string summary, IOpenApiSchema request, IOpenApiSchema answer) =>
        Add(HttpMethod.Post, path, summary, request, answer, PredictFaults);

    /// <summary>Adds a probe: 200 or 503, with the same body.</summary>
    public void Probe(string path, string summary, IOpenApiSchema answer)
    {
        var operation = Add(HttpMethod.Get, path, summary, null, answer, []);
        operation.Responses!["503"] = Response("no", answer);
    }

    private OpenApiOperation Add(
        HttpMethod method, string path, string summary, IOpenApiSchema? request, IOpenApiSchema answer, (int Status, string Means)[] faults)
    {
        var operation = new OpenApiOperation
        {
            Summary = summary,
            Tags = new HashSet<OpenApiTagReference> { tag },
            Parameters = [.. Parameters(path)],
            Responses = new OpenApiResponses { ["200"] = Response("the answer", answer) },
        };
        if (request is not null)
        {
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = "grpc-timeout",
                In = ParameterLocation.Header,
                Description = "how long the caller waits, for instance 500m (milliseconds) or 2S; left out: without end",
                Schema = ApiSchemas.Text(),
            });
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Json(request) };
        }

        foreach (var (status, means) in faults) operation.Responses[status.ToString(CultureInfo.InvariantCulture)] = Response(means, fault);
        if (!paths.TryGetValue(path, out var item)) paths[path] = item = new OpenApiPathItem();
        ((OpenApiPathItem)item).AddOperation(method, operation);
        return operation;
    }

    private static IEnumerable<IOpenApiParameter> Parameters(string path)
    {
        foreach (var part in path.Split('{').Skip(1))
        {
            yield return new OpenApiParameter
            {
                Name = part[..part.IndexOf('}', StringComparison.Ordinal)],
                In = ParameterLocation.Path,
                Required = true,
                Schema = ApiSchemas.Text(),
            };
        }
    }

    private static OpenApiResponse Response(string means, IOpenApiSchema schema) => new() { Description = means, Content = Json(schema) };

    private static Dictionary<string, OpenApiMediaType> Json(IOpenApiSchema schema) =>
        new(StringComparer.Ordinal) { [MediaTypeNames.Application.Json] = new OpenApiMediaType { Schema = schema } };
}
