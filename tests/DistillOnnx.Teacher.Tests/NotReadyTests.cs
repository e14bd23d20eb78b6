using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Teacher.Tests;

/// <summary>A teacher that is not ready is one line, which names what to do.</summary>
public sealed class NotReadyTests : AnnotationTest
{
    /// <summary>Teacher, status, body, whether it is the user's input that is wrong, and what the line says.</summary>
    public static TheoryData<string, int, string, bool, string> Refusals { get; } = new()
    {
        { "ollama:qwen3@{0}", 404, """{"error":"model \"qwen3\" not found, try pulling it first"}""", true, "ollama pull qwen3" },
        { "ollama:qwen3@{0}", 404, "404 page not found", true, "expected Ollama there" },
        { "openai:m@{0}", 404, """{"detail":"Not Found"}""", true, "of most servers the URL ends with /v1" },
        {
            "openai:m@{0}/v1",
            404,
            """{"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","code":404}""",
            true,
            "expected the model \"m\" there"
        },
        { "openai:m@{0}/v1", 405, "", false, "of most servers the URL ends with /v1" },
        { "openai:m@{0}/v1", 308, "", false, "it sends on to https://example.org/v1: name that place in --teacher" },
        { "openai:m@{0}/v1", 401, """{"error":{"message":"Incorrect key","code":"invalid_api_key"}}""", false, "DISTILL_ANNOTATE_API_KEY" },
        {
            "openai:m@{0}/v1",
            400,
            """[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]""",
            false,
            "--api-key-file"
        },
        {
            "openai:m@{0}/v1",
            429,
            """{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}""",
            false,
            "see plan and billing"
        },
        { "openai:m@{0}/v1", 402, """{"error":{"message":"Insufficient Balance"}}""", false, "see plan and billing" },
        {
            "anthropic:m@{0}",
            400,
            """{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}""",
            false,
            "see plan and billing"
        },
        { "anthropic:m@{0}", 401, """{"error":{"type":"authentication_error","message":"invalid key"}}""", false, "ANTHROPIC_API_KEY" },
        {
            "anthropic:m@{0}",
            404,
            """{"type":"error","error":{"type":"not_found_error","message":"model: m"}}""",
            true,
            "expected the model \"m\" there"
        },
        { "azure:m@{0}", 404, """{"error":{"code":"DeploymentNotFound","message":"It does not exist"}}""", true, "deployment \"m\"" },
        { "azure:m@{0}", 401, """{"error":{"code":"401","message":"Access denied"}}""", false, "AZURE_OPENAI_API_KEY" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Run_EndpointThatRefusesAll_IsOneLineThatNamesWhatToDo(
        string teacher, int status, string body, bool input, string advice)
    {
        TestData.Write(Work["data"], 3);
        await using var server = await FakeServer.StartAsync(_ => (status, body));
        if (status == 308) server.Headers["Location"] = "https://example.org/v1";
        var fault = await FaultAsync(string.Format(null, teacher, server.Url));
        Assert.IsType(input ? typeof(InputException) : typeof(TeacherException), fault);
        Assert.Contains(advice, fault.Message);
        Assert.Contains($"HTTP {status}", fault.Message);
        Assert.Single(server.Seen);
    }

    [Theory]
    [InlineData("openai:m@http://127.0.0.1:{0}/v1", "of most servers the URL ends with /v1")]
    [InlineData("ollama:m@http://127.0.0.1:{0}", "ollama serve")]
    [InlineData("anthropic:m@http://127.0.0.1:{0}", "Messages API")]
    public async Task Run_NothingThere_IsOneLineThatNamesWhatToDo(string teacher, string advice)
    {
        TestData.Write(Work["data"], 3);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var fault = await FaultAsync(string.Format(null, teacher, port));
        Assert.IsType<InputException>(fault);
        Assert.Contains("cannot be reached: ", fault.Message);
        Assert.Contains(advice, fault.Message);
    }

    [Theory]
    [InlineData("openai:m@https://127.0.0.1:{0}/v1")]
    [InlineData("ollama:m@https://127.0.0.1:{0}")]
    public async Task Run_ServerWithoutTls_IsToldFromOneWithAnUntrustedCertificate(string teacher)
    {
        TestData.Write(Work["data"], 3);
        await using var plain = await FakeServer.StartAsync(_ => (200, "{}"));
        var bare = await FaultAsync(string.Format(null, teacher, new Uri(plain.Url).Port));
        Assert.IsType<InputException>(bare);
        Assert.Contains("asked by http://", bare.Message);

        using var key = ECDsa.Create();
        using var certificate = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, certificate);
        var untrusted = await FaultAsync(string.Format(null, teacher, ((IPEndPoint)listener.LocalEndpoint).Port));
        listener.Stop();
        await serving;
        Assert.IsType<InputException>(untrusted);
        Assert.Contains("SSL_CERT_FILE", untrusted.Message);
        Assert.Contains("certificate", untrusted.Message);
    }

    private static async Task ServeAsync(TcpListener listener, X509Certificate certificate)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync();
                try
                {
                    await using var secure = new SslStream(client.GetStream());
                    await secure.AuthenticateAsServerAsync(certificate);
                    await secure.ReadExactlyAsync(new byte[1]);
                }
                catch (IOException)
                {
                    // The client does not trust the certificate.
                }
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task<Exception> FaultAsync(string teacher)
    {
        var options = TestData.Options(Work["data"], teacher, Out) with { Concurrency = 1, ApiKey = "a-key-of-mine" };
        var fault = await Record.ExceptionAsync(() => Annotator.RunAsync(options, Reporter.None));
        Assert.NotNull(fault);
        Assert.DoesNotContain(fault.Message, char.IsControl);
        Assert.DoesNotContain("a-key-of-mine", fault.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Out));
        return fault;
    }
}
