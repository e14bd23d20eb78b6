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
    [InlineData("", "body", "expected JSON, found nothing")]
    [InlineData("{", "body", "not JSON")]
    [InlineData("{\"inputs\": [\"a\"], \"inputs\": [\"b\"]}", "inputs", "expected once, found twice")]
    [InlineData("{\"inputs\": [{\"text\": \"a\", \"text\": \"b\"}]}", "inputs[0].text", "expected once, found twice")]
    [InlineData("{\"inputs\": [\"a\"], \"\\ud800\": 1}", "body", "expected names in UTF-8")]
    [InlineData("{\"instances\": [1]}", "instances", "not known; expected model, version, inputs")]
    [InlineData("[]", "body", "expected an object, found an array")]
    [InlineData("""{"inputs": "a"}""", "inputs", "expected an array, found a string")]
    [InlineData("""{"inputs": [7]}""", "inputs[0]", "expected a string or an object, found a number")]
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

    [Fact]
    public async Task Predict_DeepNestingAndAMarkBeforeTheText_AreNamedAndRead()
    {
        await using var server = await TestServer.StartAsync();

        using var deep = await PostAsync(server, $"{{\"inputs\": {new string('[', 100)}{new string(']', 100)}}}");
        using var marked = await PostAsync(server, "\uFEFF{\"inputs\": [\"a\"]}");

        Assert.Equal(HttpStatusCode.BadRequest, deep.StatusCode);
        Assert.Equal(
            "body: expected at most 64 levels of arrays and objects, found more",
            (await ReadAsync(deep)).GetProperty("message").GetString());
        Assert.Equal(HttpStatusCode.OK, marked.StatusCode);
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
    [InlineData("gzip", -2)]
    [InlineData("gzip", -9)]
    [InlineData("gzip", -30)]
    [InlineData("gzip", 3)]
    [InlineData("br", -2)]
    [InlineData("br", 3)]
    public async Task Predict_StreamCutShortOrFollowedByOtherBytes_IsSaidToBe(string encoding, int more)
    {
        await using var server = await TestServer.StartAsync();
        using var packed = new MemoryStream();
        await using (Stream stream = encoding == "br" ? new BrotliStream(packed, CompressionMode.Compress, true)
            : new GZipStream(packed, CompressionMode.Compress, true))
            await stream.WriteAsync("""{"inputs": ["a man sleeps under a tree", "two dogs run along a river"]}"""u8.ToArray());
        var whole = packed.ToArray();
        using var content = new ByteArrayContent(more < 0 ? whole[..^-more] : [.. whole, .. new byte[more]]);
        content.Headers.ContentEncoding.Add(encoding);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        using var response = await server.Http.PostAsync(Predict, content);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(
            $"body: expected one whole {encoding} stream, found one that is cut short or followed by other bytes",
            (await ReadAsync(response)).GetProperty("message").GetString());
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

        Assert.Equal(HttpStatusCode.GatewayTimeout, ended.StatusCode);
        Assert.Contains("deadline", (await ReadAsync(ended)).GetProperty(message).GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.StartsWith("grpc-timeout:", (await ReadAsync(refused)).GetProperty(message).GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Predict, """{"inputs": ["a"]}""", "message")]
    [InlineData("/v2/models/nli/infer", """{"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}]}""", "error")]
    public async Task Rest_DeadlineThatHasPassed_IsGatewayTimeoutAndAFullQueueIsTooManyRequests(string path, string body, string message)
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync(configure: o => o with { QueueRows = 1 });
        server.Predictor.OnBatch = gate.Hold();
        Task<HttpResponseMessage> Send(string? timeout)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, path);
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            if (timeout is not null) request.Headers.Add("grpc-timeout", timeout);
            return server.Http.SendAsync(request);
        }

        var running = Send(null);
        await gate.Entered;
        using var idle = await Send("0m");
        var waiting = Send(null);
        await Wait.UntilAsync(() => server.Model.Batcher.QueuedRows == 1);
        using var late = await Send("1n");
        using var full = await Send("20S");
        gate.Open();
        using var first = await running;
        using var second = await waiting;

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, second.StatusCode));
        Assert.Equal((HttpStatusCode.GatewayTimeout, HttpStatusCode.GatewayTimeout), (idle.StatusCode, late.StatusCode));
        Assert.Contains("deadline", (await ReadAsync(late)).GetProperty(message).GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.TooManyRequests, full.StatusCode);
        Assert.Equal("the queue is full", (await ReadAsync(full)).GetProperty(message).GetString());
        Assert.Equal(TimeSpan.FromSeconds(1), full.Headers.RetryAfter?.Delta);
    }

    [Theory]
    [InlineData("GET", "/v1/nothing", "message", HttpStatusCode.NotFound, "no such path: /v1/nothing")]
    [InlineData("POST", "/v1/predict", "message", HttpStatusCode.NotFound, "no such path: /v1/predict")]
    [InlineData("POST", "/v1/models", "message", HttpStatusCode.MethodNotAllowed, "/v1/models: expected GET, found POST")]
    [InlineData("POST", "/v1/models/nli", "message", HttpStatusCode.MethodNotAllowed, "/v1/models/nli: expected GET, found POST")]
    [InlineData("GET", Predict, "message", HttpStatusCode.MethodNotAllowed, Predict + ": expected POST, found GET")]
    [InlineData("POST", Predict + "?explain=true", "message", HttpStatusCode.BadRequest, "explain: not known in the address")]
    [InlineData("GET", "/v1/models?x=1", "message", HttpStatusCode.BadRequest, "x: not known in the address; expected none")]
    [InlineData("GET", "/v1/models/nli?x=1", "message", HttpStatusCode.BadRequest, "x: not known in the address; expected version")]
    [InlineData("GET", "/v1/models/nli?name=other", "message", HttpStatusCode.BadRequest, "name: not known in the address")]
    [InlineData("GET", "/v1/models/nli?version=1&version=2", "message", HttpStatusCode.BadRequest, "version: expected once, found 2 times")]
    [InlineData("GET", "/v1/models/nli?version=9", "message", HttpStatusCode.NotFound, "model \"nli\" has no version \"9\"")]
    [InlineData("GET", "/v2/models/nli?verbose=1", "error", HttpStatusCode.BadRequest, "verbose: not known in the address")]
    [InlineData("POST", "/", "message", HttpStatusCode.NotFound, "no such path: /")]
    [InlineData("GET", "/v2/models/nli/metadata", "error", HttpStatusCode.NotFound, "no such path: /v2/models/nli/metadata")]
    [InlineData("DELETE", Predict, "message", HttpStatusCode.MethodNotAllowed, Predict + ": expected POST, found DELETE")]
    [InlineData("GET", "/v2/models/nli/infer", "error", HttpStatusCode.MethodNotAllowed, "/v2/models/nli/infer: expected POST, found GET")]
    [InlineData(
        "POST", "/distillonnx.v1.PredictionService/Predict", "message", HttpStatusCode.UnsupportedMediaType,
        "content-type: expected application/grpc")]
    public async Task Rest_OutsideTheRoutes_SaysWhatIsWrong(string method, string path, string message, HttpStatusCode status, string said)
    {
        await using var server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "POST") request.Content = new StringContent("{}", Encoding.UTF8, "application/json");

        using var response = await server.Http.SendAsync(request);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith(said, (await ReadAsync(response)).GetProperty(message).GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", Predict, "POST")]
    [InlineData("OPTIONS", Predict, "POST")]
    public async Task Rest_MethodThatAPathDoesNotAnswer_NamesThoseThatItDoes(string method, string path, string allowed)
    {
        await using var server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await server.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal([allowed], response.Content.Headers.Allow);
        Assert.Equal(12, (await ReadAsync(response)).GetProperty("code").GetInt32());
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
