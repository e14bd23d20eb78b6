using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using DistillOnnx.Server.Tests.Fakes;

namespace DistillOnnx.Server.Tests.Services;

/// <summary>The JSON form of the server's own calls.</summary>
public sealed class JsonTests
{
    private const string Predict = "/v1/models/nli:predict";

    [Fact]
    public async Task Predict_BareTextBesideAnObject_AnswersBoth()
    {
        await using var server = await TestServer.StartAsync();

        using var response = await PostAsync(server, """{"inputs": ["a man sleeps", {"text": "two dogs"}]}""");

        var answer = await ReadAsync(response);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("1", answer.GetProperty("version").GetString());
        string[] expected = [server.Predictor.Answer("a man sleeps").Label, server.Predictor.Answer("two dogs").Label];
        Assert.Equal(expected, answer.GetProperty("predictions").EnumerateArray().Select(p => p.GetProperty("label").GetString()!));
    }

    [Theory]
    [InlineData("{", "body", "not JSON")]
    [InlineData("[]", "body", "expected an object, found an array")]
    [InlineData("""{"inputs": "a"}""", "inputs", "expected an array, found a string")]
    [InlineData("""{"inputs": [7]}""", "inputs[0]", "expected an object, found a number")]
    [InlineData("""{"inputs": [{"text": "a"}, {"text": 7}]}""", "inputs[1].text", "expected a string, found a number")]
    [InlineData("""{"inputs": [{"txet": "a"}]}""", "inputs[0].txet", "not known; expected text, choices")]
    [InlineData("""{"inputs": [{"text": "a", "choices": [null]}]}""", "inputs[0].choices[0]", "expected a string, found null")]
    [InlineData("""{"inputs": ["a"], "partial": "yes"}""", "partial", "expected true or false, found a string")]
    [InlineData("""{"inputs": ["\ud800"]}""", "inputs[0]", "expected a text in UTF-8")]
    [InlineData("""{"inputs": [""]}""", "inputs[0].text", "expected a text, found an empty one")]
    [InlineData("""{"inputs": ["a"], "model": "other"}""", "model", "expected \"nli\" as the path says")]
    public async Task Predict_BodyAtFault_NamesTheField(string json, string field, string fault)
    {
        await using var server = await TestServer.StartAsync();

        using var response = await PostAsync(server, json);

        var answer = await ReadAsync(response);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(3, answer.GetProperty("code").GetInt32());
        Assert.StartsWith($"{field}: {fault}", answer.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(field, answer.GetProperty("details")[0].GetProperty("fieldViolations")[0].GetProperty("field").GetString());
    }

    [Theory]
    [InlineData("gzip", 10, HttpStatusCode.OK)]
    [InlineData("br", 10, HttpStatusCode.OK)]
    [InlineData("zstd", 10, HttpStatusCode.UnsupportedMediaType)]
    [InlineData("br", 50_000, HttpStatusCode.RequestEntityTooLarge)]
    public async Task Predict_CompressedBody_IsReadWithinTheLimit(string encoding, int words, HttpStatusCode expected)
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { MessageBytes = 64 << 10 });
        using var packed = new MemoryStream();
        await using (
            Stream stream = encoding == "br"
                ? new BrotliStream(packed, CompressionLevel.Fastest, true)
                : new GZipStream(packed, CompressionLevel.Fastest, true))
            await JsonSerializer.SerializeAsync(stream, new { inputs = new[] { string.Join(' ', Enumerable.Repeat("w", words)) } });
        using var content = new ByteArrayContent(packed.ToArray());
        content.Headers.ContentEncoding.Add(encoding);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        using var response = await server.Http.PostAsync(Predict, content);

        Assert.Equal(expected, response.StatusCode);
        if (expected != HttpStatusCode.OK) Assert.NotEmpty((await ReadAsync(response)).GetProperty("message").GetString()!);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task Predict_BodyIsNotWhatItsEncodingSays_IsBadRequest(string encoding)
    {
        await using var server = await TestServer.StartAsync();
        using var content = new StringContent("""{"inputs": ["a"]}""", Encoding.UTF8, "application/json");
        content.Headers.ContentEncoding.Add(encoding);

        using var response = await server.Http.PostAsync(Predict, content);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(
            $"body: expected {encoding}", (await ReadAsync(response)).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json; charset=utf-16")]
    public async Task Predict_BodyOfAnotherType_IsUnsupported(string type)
    {
        await using var server = await TestServer.StartAsync();
        using var content = new ByteArrayContent("""{"inputs": ["a"]}"""u8.ToArray());
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);

        using var response = await server.Http.PostAsync(Predict, content);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.StartsWith("content-type:", (await ReadAsync(response)).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Predict, """{"inputs": ["a"]}""", "message")]
    [InlineData("/v2/models/nli/infer", """{"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}]}""", "error")]
    public async Task Rest_DeadlineInTheHeader_EndsTheCall(string path, string body, string message)
    {
        await using var server = await TestServer.StartAsync(new FakePredictor { PerToken = TimeSpan.FromMinutes(1) });
        using var late = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        late.Headers.Add("grpc-timeout", "200m");
        using var unreadable = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        unreadable.Headers.Add("grpc-timeout", "soon");

        using var ended = await server.Http.SendAsync(late);
        using var refused = await server.Http.SendAsync(unreadable);

        // Refused before it ran, where the server knows already that it would take longer.
        Assert.Contains(ended.StatusCode, (HttpStatusCode[])[HttpStatusCode.GatewayTimeout, HttpStatusCode.TooManyRequests]);
        Assert.Contains("deadline", (await ReadAsync(ended)).GetProperty(message).GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.StartsWith("grpc-timeout:", (await ReadAsync(refused)).GetProperty(message).GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Predict, "message")]
    [InlineData("/v2/models/nli/infer", "error")]
    public async Task Rest_WithoutAKey_SaysWhatIsMissing(string path, string message)
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { ApiKeys = ["a=0123456789abcdef"] });

        using var response = await server.Http.PostAsJsonAsync(path, new { });

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains("x-api-key", (await ReadAsync(response)).GetProperty(message).GetString(), StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> PostAsync(TestServer server, string json) =>
        server.Http.PostAsync(Predict, new StringContent(json, Encoding.UTF8, "application/json"));

    private static Task<JsonElement> ReadAsync(HttpResponseMessage response) => response.Content.ReadFromJsonAsync<JsonElement>();
}
