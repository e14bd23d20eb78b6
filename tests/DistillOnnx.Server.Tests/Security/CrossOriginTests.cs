using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using DistillOnnx.Server.Security;
using DistillOnnx.Server.Tests.Fakes;

namespace DistillOnnx.Server.Tests.Security;

public sealed class CrossOriginTests
{
    private const string Page = "https://app.example.org", Stranger = "https://other.example.org";
    private const string Key = "0123456789abcdef";
    private const string Json = "/v1/models/nli:predict", GrpcWeb = "/distillonnx.v1.PredictionService/Predict";

    [Theory]
    [InlineData(Json, Page, true)]
    [InlineData(Json, Stranger, false)]
    [InlineData(GrpcWeb, Page, true)]
    [InlineData(GrpcWeb, Stranger, false)]
    public async Task Preflight_WithoutAKey_LetsNamedOriginsIn(string path, string origin, bool allowed)
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { CorsOrigins = [Page], ApiKeys = ["team=" + Key] });

        using var answer = await PreflightAsync(server, path, origin);

        Assert.Equal(allowed ? origin : null, Header(answer, "Access-Control-Allow-Origin"));
        if (!allowed) return;
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Contains("x-api-key", Header(answer, "Access-Control-Allow-Headers"), StringComparison.Ordinal);
        Assert.Null(Header(answer, "Access-Control-Allow-Credentials"));
    }

    [Fact]
    public async Task Call_FromANamedOrigin_MayBeReadWithItsStatus()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { CorsOrigins = [Page], ApiKeys = ["team=" + Key] });

        using var json = await CallAsync(server, JsonContent.Create(new { inputs = new[] { "text" } }), Json, Key);
        using var web = await CallAsync(server, Frame(), GrpcWeb, Key);
        using var keyless = await CallAsync(server, JsonContent.Create(new { inputs = new[] { "text" } }), Json, null);

        Assert.Equal((HttpStatusCode.OK, Page), (json.StatusCode, Header(json, "Access-Control-Allow-Origin")));
        Assert.Equal((HttpStatusCode.OK, Page), (web.StatusCode, Header(web, "Access-Control-Allow-Origin")));
        Assert.All(
            (string[])["grpc-status", "grpc-message", "retry-after", "Inference-Header-Content-Length"],
            header => Assert.Contains(header, Header(web, "Access-Control-Expose-Headers"), StringComparison.Ordinal));

        // The page learns why it was refused.
        Assert.Equal((HttpStatusCode.Unauthorized, Page), (keyless.StatusCode, Header(keyless, "Access-Control-Allow-Origin")));
    }

    [Fact]
    public async Task Call_NoOriginNamed_TellsTheBrowserNothing()
    {
        await using var server = await TestServer.StartAsync();

        using var preflight = await PreflightAsync(server, Json, Page);
        using var call = await CallAsync(server, JsonContent.Create(new { inputs = new[] { "text" } }), Json, null);

        Assert.Equal(HttpStatusCode.OK, call.StatusCode);
        Assert.Null(Header(preflight, "Access-Control-Allow-Origin"));
        Assert.Null(Header(call, "Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("https://app.example.org", true)]
    [InlineData("http://localhost:3000", true)]
    [InlineData("*", false)]
    [InlineData("app.example.org", false)]
    [InlineData("https://app.example.org/", false)]
    [InlineData("https://app.example.org/page", false)]
    [InlineData("ftp://app.example.org", false)]
    public void Check_Origin_IsSchemeHostAndPort(string origin, bool fits)
    {
        var faults = new List<string>();
        CrossOrigin.Check(origin, faults);
        Assert.Equal(fits, faults.Count == 0);
    }

    private static async Task<HttpResponseMessage> PreflightAsync(TestServer server, string path, string origin)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, path);
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "content-type,x-api-key,x-grpc-web");
        return await server.Http.SendAsync(request);
    }

    private static async Task<HttpResponseMessage> CallAsync(TestServer server, HttpContent content, string path, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("Origin", Page);
        if (key is not null) request.Headers.Add("x-api-key", key);
        return await server.Http.SendAsync(request);
    }

    /// <summary>A request as gRPC-Web frames it: a flag, the length, the message.</summary>
    private static ByteArrayContent Frame()
    {
        var message = Google.Protobuf.MessageExtensions.ToByteArray(
            new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = "text" } } });
        return new ByteArrayContent([0, 0, 0, 0, (byte)message.Length, .. message])
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/grpc-web+proto") },
        };
    }

    private static string? Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
}
