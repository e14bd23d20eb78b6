using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using Grpc.Core;

namespace DistillOnnx.Server.Tests.Security;

public sealed class TlsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly X509Certificate2 _authority = Authority("ca");

    public TlsTests()
    {
        using var server = Issue(_authority, "localhost", server: true);
        File.WriteAllText(_directory["server.pem"], server.ExportCertificatePem());
        File.WriteAllText(_directory["server.key"], server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(_directory["ca.pem"], _authority.ExportCertificatePem());
    }

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Https_CertificateFromPem_AnswersBothHttpVersions()
    {
        await using var server = await StartAsync(mutual: false);
        using var handler = new SocketsHttpHandler();
        Trust(handler.SslOptions, null);
        using var http = new HttpClient(handler) { BaseAddress = new Uri(server.Host.Addresses[1]) };
        using var client = Client(server, null);

        Assert.Equal(
            server.Predictor.Answer("text").Label, (await client.PredictAsync("nli", "text").WaitAsync(TestServer.Patience)).Label);
        Assert.Equal(HttpVersion.Version11, (await http.GetAsync("/v1/models")).Version);
    }

    [Fact]
    public async Task MutualTls_OnlyCertificatesOfTheAuthority_AreLetIn()
    {
        await using var server = await StartAsync(mutual: true);
        using var stranger = Authority("stranger");
        using var good = Issue(_authority, "client", server: false);
        using var forged = Issue(stranger, "client", server: false);
        using var wrongUse = Issue(_authority, "client", server: true);

        Assert.Equal(StatusCode.OK, await StatusAsync(server, good));
        Assert.NotEqual(StatusCode.OK, await StatusAsync(server, forged));
        Assert.NotEqual(StatusCode.OK, await StatusAsync(server, wrongUse));
        Assert.NotEqual(StatusCode.OK, await StatusAsync(server, null));
    }

    private Task<TestServer> StartAsync(bool mutual) => TestServer.StartAsync(configure: o => o with
    {
        Urls = [.. o.Urls, "https://127.0.0.1:0"],
        TlsCertificate = _directory["server.pem"],
        TlsKey = _directory["server.key"],
        TlsClientCa = mutual ? _directory["ca.pem"] : null,
    });

    private PredictionClient Client(TestServer server, X509Certificate2? certificate) =>
        new(new PredictionClientOptions { Addresses = [server.Host.Addresses[1]], Tls = ssl => Trust(ssl, certificate), MaxAttempts = 1 });

    private void Trust(SslClientAuthenticationOptions ssl, X509Certificate2? certificate)
    {
        ssl.TargetHost = "localhost";
        ssl.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        ssl.CertificateChainPolicy.CustomTrustStore.Add(_authority);
        if (certificate is not null) ssl.ClientCertificates = [certificate];
    }

    private async Task<StatusCode> StatusAsync(TestServer server, X509Certificate2? certificate)
    {
        using var client = Client(server, certificate);
        try
        {
            await client.PredictAsync("nli", "text").WaitAsync(TestServer.Patience);
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, string name, bool server)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid(server ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2")], true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(
            authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        using var whole = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
