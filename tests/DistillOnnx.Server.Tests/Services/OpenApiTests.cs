using System.Net.Http.Json;
using System.Text.Json;
using DistillOnnx.Server.Tests.Fakes;

namespace DistillOnnx.Server.Tests.Services;

/// <summary>The OpenAPI document, held to what the server really answers.</summary>
public sealed class OpenApiTests
{
    private static readonly object Tensor = new { name = "text", shape = new[] { 1 }, datatype = "BYTES", data = new[] { "a man sleeps" } };

    [Theory]
    [InlineData("GET", "/v1/models", "/v1/models", 200)]
    [InlineData("GET", "/v1/models/{name}", "/v1/models/nli", 200)]
    [InlineData("GET", "/v1/models/{name}", "/v1/models/nli?version=1", 200)]
    [InlineData("GET", "/v1/models/{name}", "/v1/models/nli?x=1", 400)]
    [InlineData("GET", "/v1/models/{name}", "/v1/models/other", 404)]
    [InlineData("POST", "/v1/models/{model}:predict", "/v1/models/nli:predict", 200)]
    [InlineData("POST", "/v1/models/{model}:predict", "/v1/models/nli:predict?x=1", 400)]
    [InlineData("POST", "/v1/models/{model}:predict", "/v1/models/other:predict", 404)]
    [InlineData("GET", "/v2", "/v2", 200)]
    [InlineData("GET", "/v2/models/{name}", "/v2/models/nli", 200)]
    [InlineData("GET", "/v2/models/{name}", "/v2/models/nli?x=1", 400)]
    [InlineData("GET", "/v2/models/{name}", "/v2/models/other", 404)]
    [InlineData("GET", "/v2/models/{name}/versions/{version}/ready", "/v2/models/nli/versions/1/ready", 200)]
    [InlineData("POST", "/v2/models/{name}/infer", "/v2/models/nli/infer", 200)]
    [InlineData("POST", "/v2/models/{name}/infer", "/v2/models/other/infer", 404)]
    [InlineData("GET", "/healthz", "/healthz", 200)]
    [InlineData("GET", "/v2/health/ready", "/v2/health/ready", 200)]
    public async Task Document_Operation_DescribesItsAnswer(string method, string path, string url, int status)
    {
        await using var server = await TestServer.StartAsync();
        var document = await server.Http.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        var operation = document.GetProperty("paths").GetProperty(path).GetProperty(method.ToLowerInvariant());
        using var request = new HttpRequestMessage(new HttpMethod(method), url);
        if (method == "POST")
        {
            object body = path.StartsWith("/v1", StringComparison.Ordinal)
                ? new { inputs = new object[] { "a man sleeps", new { text = "two dogs" } }, raw = true, explain = true }
                : new { id = "7", parameters = new { explain = true }, inputs = new[] { Tensor } };
            request.Content = JsonContent.Create(body);
            Hold(document, Schema(operation.GetProperty("requestBody")), JsonSerializer.SerializeToElement(body), "request");
        }

        using var response = await server.Http.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Hold(document, Schema(operation.GetProperty("responses").GetProperty($"{status}")), answer, "answer");
    }

    [Theory]
    [InlineData("""{"inputs": [7]}""", "inputs[0]")]
    [InlineData("""{"inputs": [""]}""", "inputs[0].text")]
    public async Task Document_RequestAtFault_DescribesWhatIsAnsweredWhereverItIsFound(string body, string field)
    {
        await using var server = await TestServer.StartAsync();
        var document = await server.Http.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        var operation = document.GetProperty("paths").GetProperty("/v1/models/{model}:predict").GetProperty("post");

        using var response = await server.Http.PostAsync(
            "/v1/models/nli:predict", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));

        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Hold(document, Schema(operation.GetProperty("responses").GetProperty("400")), answer, "answer");
        Assert.Equal(["code", "message", "details"], answer.EnumerateObject().Select(p => p.Name));
        var violation = answer.GetProperty("details")[0].GetProperty("fieldViolations")[0];
        Assert.Equal(["field", "description"], violation.EnumerateObject().Select(p => p.Name));
        Assert.Equal(field, violation.GetProperty("field").GetString());
    }

    [Theory]
    [InlineData("/v1/models", "")]
    [InlineData("/v1/models/{name}", "path name, query version")]
    [InlineData("/v2/models/{name}", "path name")]
    public async Task Document_CallWithoutABody_HasTheParametersOfItsAddress(string path, string expected)
    {
        await using var server = await TestServer.StartAsync();

        var document = await server.Http.GetFromJsonAsync<JsonElement>("/openapi/v1.json");

        var operation = document.GetProperty("paths").GetProperty(path).GetProperty("get");
        var found = operation.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray().ToArray() : [];
        Assert.Equal(
            expected, string.Join(", ", found.Select(p => $"{p.GetProperty("in").GetString()} {p.GetProperty("name").GetString()}")));
    }

    [Fact]
    public async Task Document_KeysAsked_SaysSoAndAsksForNone()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { ApiKeys = ["a=0123456789abcdef"] });

        var document = await server.Http.GetFromJsonAsync<JsonElement>("/openapi/v1.json");

        var scheme = document.GetProperty("components").GetProperty("securitySchemes").GetProperty("apiKey");
        Assert.Equal("x-api-key", scheme.GetProperty("name").GetString());
    }

    private static JsonElement Schema(JsonElement holder) =>
        holder.GetProperty("content").GetProperty("application/json").GetProperty("schema");

    /// <summary>Holds a value to a schema, as far as this document's schemas go.</summary>
    private static void Hold(JsonElement document, JsonElement schema, JsonElement value, string path)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            Hold(
                document,
                document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]),
                value,
                path);
            return;
        }

        if (schema.TryGetProperty("oneOf", out var variants))
        {
            Hold(
                document,
                variants.EnumerateArray().Single(v => v.TryGetProperty("type", out var t) == (value.ValueKind == JsonValueKind.String)),
                value,
                path);
            return;
        }

        if (!schema.TryGetProperty("type", out var type)) return;
        JsonValueKind[] kinds = type.GetString() switch
        {
            "object" => [JsonValueKind.Object],
            "array" => [JsonValueKind.Array],
            "string" => [JsonValueKind.String],
            "boolean" => [JsonValueKind.True, JsonValueKind.False],
            _ => [JsonValueKind.Number],
        };
        Assert.True(kinds.Contains(value.ValueKind), $"{path}: expected {type}, found {value}");
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var element in value.EnumerateArray()) Hold(document, schema.GetProperty("items"), element, path + "[]");
        }

        if (schema.TryGetProperty("enum", out var values))
            Assert.Contains(value.GetString(), values.EnumerateArray().Select(v => v.GetString()));
        if (value.ValueKind != JsonValueKind.Object) return;
        if (schema.TryGetProperty("required", out var required))
            Assert.All(required.EnumerateArray(), r => Assert.True(value.TryGetProperty(r.GetString()!, out _), $"{path}: {r} is missing"));
        foreach (var property in value.EnumerateObject())
        {
            Assert.True(
                schema.GetProperty("properties").TryGetProperty(property.Name, out var own), $"{path}.{property.Name} is not described");
            Hold(document, own, property.Value, $"{path}.{property.Name}");
        }
    }
}
