using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using DistillOnnx.Server.Tests.Fakes;

namespace DistillOnnx.Server.Tests.Services;

/// <summary>The Open Inference Protocol over REST.</summary>
public sealed class InferenceRestTests
{
    private const string Infer = "/v2/models/nli/infer";
    private static readonly string[] Texts = ["a man sleeps", string.Join(' ', Enumerable.Repeat("w", 200))];

    [Theory]
    [InlineData("/v2")]
    [InlineData("/v2/health/live")]
    [InlineData("/v2/health/ready")]
    [InlineData("/v2/models/nli")]
    [InlineData("/v2/models/nli/ready")]
    [InlineData("/v2/models/nli/versions/1")]
    [InlineData("/v2/models/nli/versions/1/ready")]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    public async Task Get_KnownPath_Answers(string path)
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.Http.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/v2/health/live")]
    [InlineData("/v2/health/ready")]
    [InlineData("/v2/models/nli/ready")]
    public async Task Head_HealthPath_AnswersWithoutABody(string path)
    {
        await using var server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Infer_Json_AnswersWhatGrpcAnswers()
    {
        await using var server = await TestServer.StartAsync();
        var expected = await server.Client.PredictAsync("nli", Texts).WaitAsync(TestServer.Patience);

        using var response = await server.Http.PostAsJsonAsync(
            Infer, new { id = "7", inputs = new[] { Input(Texts) } }, TestContext.Current.CancellationToken);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

        Assert.Equal(
            ("nli", "1", "7"),
            (
                answer.GetProperty("model_name").GetString(),
                answer.GetProperty("model_version").GetString(),
                answer.GetProperty("id").GetString()));
        Assert.Equal(expected.Select(p => p.Label), Data(answer, "label").Select(e => e.GetString()!));
        Assert.Equal(expected.Select(p => (float)p.Probability), Data(answer, "probability").Select(e => e.GetSingle()));
        Assert.Equal(
            expected.SelectMany(p => p.Probabilities).Select(p => (float)p), Data(answer, "probabilities").Select(e => e.GetSingle()));
        Assert.Equal(expected.Select(p => p.Abstained), Data(answer, "abstained").Select(e => e.GetBoolean()));
        Assert.Equal([false, true], Data(answer, "truncated").Select(e => e.GetBoolean()));
    }

    [Fact]
    public async Task Infer_BinaryTensorsBothWays_AnswersThoseAskedFor()
    {
        await using var server = await TestServer.StartAsync();
        var expected = await server.Client.PredictAsync("nli", Texts).WaitAsync(TestServer.Patience);
        using var tensor = new MemoryStream();
        foreach (var text in Texts)
        {
            var length = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
            tensor.Write([.. length, .. Encoding.UTF8.GetBytes(text)]);
        }

        var head = JsonSerializer.SerializeToUtf8Bytes(new
        {
            inputs = new[]
            {
                new { name = "text", datatype = "BYTES", shape = new[] { 2 }, parameters = new { binary_data_size = tensor.Length } },
            },
            outputs = new object[]
            {
                new { name = "probability", parameters = new { binary_data = true } },
                new { name = "truncated", parameters = new { binary_data = true } },
                new { name = "label" },
            },
        });
        using var content = new ByteArrayContent([.. head, .. tensor.ToArray()]);
        content.Headers.Add("Inference-Header-Content-Length", $"{head.Length}");
        using var response = await server.Http.PostAsync(Infer, content, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var json = int.Parse(
            response.Headers.GetValues("Inference-Header-Content-Length").Single(), System.Globalization.CultureInfo.InvariantCulture);
        var answer = JsonSerializer.Deserialize<JsonElement>(body.AsSpan(0, json));
        Assert.Equal(
            ["probability", "truncated", "label"],
            answer.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()!));
        Assert.Equal(
            expected.Select(p => (float)p.Probability), [BitConverter.ToSingle(body, json), BitConverter.ToSingle(body, json + 4)]);
        Assert.Equal([0, 1], body[(json + 8)..]);
        Assert.Equal(expected.Select(p => p.Label), Data(answer, "label").Select(e => e.GetString()!));
    }

    [Theory]
    [InlineData("{", "body: not JSON")]
    [InlineData(
        """{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":[7]}]}""",
        "inputs[0].data[0]: expected a string, found a number")]
    [InlineData("""{"inputs":[{"name":"text","shape":[2],"datatype":"BYTES","data":["a"]}]}""", "inputs[0].shape")]
    [InlineData("""{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":[""]}]}""", "inputs[0].text")]
    [InlineData("""{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]}],"priority":1}""", "priority: not known")]
    [InlineData(
        """{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":9}}]}""",
        "inputs[0].parameters.binary_data_size")]
    [InlineData(
        """{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]}],"outputs":[{"name":"score"}]}""",
        "outputs[0].name")]
    [InlineData(
        """{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]}],"outputs":[{"name":"label"},{"name":"label"}]}""",
        "outputs[1].name: \"label\" is there twice")]
    [InlineData("""{"inputs":[{"name":"text","shape":[1],"datatype":"FP32","data":["a"]}]}""", "inputs[0].datatype: expected BYTES")]
    [InlineData("""{"inputs":[{"name":"text","shape":[1],"data":["a"]}]}""", "inputs[0].datatype: expected BYTES")]
    [InlineData("""{"inputs":[{"name":"text","datatype":"BYTES","data":["a"]}]}""", "inputs[0].shape: expected [N]")]
    [InlineData("""{"inputs":[{"name":"text","shape":[2,1],"datatype":"BYTES","data":["a","b"]}]}""", "inputs[0].shape: expected [N]")]
    [InlineData("""{"inputs":[{"name":"text","shape":[-1],"datatype":"BYTES","data":["a"]}]}""", "inputs[0].shape")]
    [InlineData(
        """{"inputs":[{"name":"text","shape":["1"],"datatype":"BYTES","data":["a"]}]}""",
        "inputs[0].shape[0]: expected an integer")]
    [InlineData("""{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":[["a"]]}]}""", "inputs[0].data[0]: expected a string")]
    [InlineData("""{"inputs":[{"name":"tokens","shape":[1],"datatype":"BYTES","data":["a"]}]}""", "inputs[0].name: expected text")]
    [InlineData(
        """
        {"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]},{"name":"text","shape":[1],"datatype":"BYTES","data":["b"]}]}
        """,
        "inputs[1].name: \"text\" is there twice")]
    [InlineData(
        """{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]}],"parameters":{"explain":"true"}}""",
        "parameters.explain: expected true or false, found a string")]
    [InlineData(
        """
        {"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]}],
         "outputs":[{"name":"label","parameters":{"binary_data":1}}]}
        """,
        "outputs[0].parameters.binary_data: expected true or false")]
    [InlineData(
        """{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":5}}]}""",
        "inputs[0].parameters.binary_data_size: expected 5 bytes behind the JSON, found 0; the header Inference-Header-Content-Length")]
    public async Task Infer_RequestAtFault_NamesTheField(string json, string error)
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.Http.PostAsync(Infer, new StringContent(json), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.StartsWith(error, answer.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5, 5, null)]
    [InlineData(4, 5, "inputs[0].parameters.binary_data_size: expected an element of 1 bytes, found 0")]
    [InlineData(6, 5, "inputs[0].parameters.binary_data_size: expected 6 bytes behind the JSON, found 5")]
    [InlineData(5, 7, "body: expected 5 bytes behind the JSON, as the binary_data_size of the inputs say, found 7")]
    public async Task Infer_BinarySizeThatDisagrees_IsNamed(int said, int sent, string? error)
    {
        await using var server = await TestServer.StartAsync();
        var head = JsonSerializer.SerializeToUtf8Bytes(new
        {
            inputs = new[] { new { name = "text", datatype = "BYTES", shape = new[] { 1 }, parameters = new { binary_data_size = said } } },
        });
        byte[] tensor = [1, 0, 0, 0, (byte)'a', 0, 0];
        using var content = new ByteArrayContent([.. head, .. tensor[..sent]]);
        content.Headers.Add("Inference-Header-Content-Length", $"{head.Length}");

        using var response = await server.Http.PostAsync(Infer, content, TestContext.Current.CancellationToken);

        Assert.Equal(error is null ? HttpStatusCode.OK : HttpStatusCode.BadRequest, response.StatusCode);
        if (error is null) return;
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal(error, answer.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("gzip", 10, HttpStatusCode.OK)]
    [InlineData("br", 10, HttpStatusCode.OK)]
    [InlineData("zstd", 10, HttpStatusCode.UnsupportedMediaType)]
    [InlineData("gzip", 50_000, HttpStatusCode.RequestEntityTooLarge)]
    public async Task Infer_CompressedBody_IsReadWithinTheLimit(string encoding, int words, HttpStatusCode expected)
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { MessageBytes = 64 << 10 });
        using var packed = new MemoryStream();
        await using (
            Stream stream = encoding == "br"
                ? new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true)
                : new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            await JsonSerializer.SerializeAsync(
                stream,
                new { inputs = new[] { Input(string.Join(' ', Enumerable.Repeat("w", words))) } },
                cancellationToken: TestContext.Current.CancellationToken);
        using var content = new ByteArrayContent(packed.ToArray());
        content.Headers.ContentEncoding.Add(encoding);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        using var response = await server.Http.PostAsync(Infer, content, TestContext.Current.CancellationToken);

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Infer_UnknownModel_IsNotFound()
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.Http.PostAsJsonAsync(
            "/v2/models/other/infer", new { inputs = new[] { Input("a") } }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    private static object Input(params string[] texts) =>
        new { name = "text", shape = new[] { texts.Length }, datatype = "BYTES", data = texts };

    private static JsonElement[] Data(JsonElement answer, string output) =>
    [
        .. answer.GetProperty("outputs").EnumerateArray().Single(o => o.GetProperty("name").GetString() == output)
            .GetProperty("data").EnumerateArray(),
    ];
}
