using System.Net;
using System.Security.Cryptography;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace DistillOnnx.Server.Tests.Security;

public sealed class AccessTests
{
    private const string Key = "0123456789abcdef-key";

    [Fact]
    public async Task ApiKey_WrongOrMissing_IsUnauthenticatedAndTheRightOneIsAnswered()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { ApiKeys = ["team=" + Key] });

        var missing = await Assert.ThrowsAsync<RpcException>(() => PredictAsync(server, null));
        var wrong = await Assert.ThrowsAsync<RpcException>(() => PredictAsync(server, Key + "x"));
        var answer = await PredictAsync(server, Key);

        Assert.Equal(StatusCode.Unauthenticated, missing.StatusCode);
        Assert.Equal(StatusCode.Unauthenticated, wrong.StatusCode);
        Assert.Equal(server.Predictor.Answer("text").Label, answer.Label);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync("/v1/models")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync("/metrics")).StatusCode);
    }

    [Fact]
    public async Task Health_KeysRequired_IsOpenStill()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { ApiKeys = ["team=" + Key] });

        var health = await new Health.HealthClient(server.Channel)
            .CheckAsync(new HealthCheckRequest(), deadline: DateTime.UtcNow + TestServer.Patience);

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Fact]
    public async Task Jwt_SignedByTheKeyForThisAudience_IsTheOnlyOneAnswered()
    {
        using var directory = new TemporaryDirectory();
        using var good = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(directory["key.pem"], good.ExportSubjectPublicKeyInfoPem());
        await using var server = await TestServer.StartAsync(
            configure: o => o with { JwtKey = directory["key.pem"], JwtAudience = "predict" });

        Assert.Equal(StatusCode.OK, await StatusAsync(server, Token(good, "predict", TimeSpan.FromHours(1))));
        Assert.Equal(StatusCode.Unauthenticated, await StatusAsync(server, Token(good, "billing", TimeSpan.FromHours(1))));
        Assert.Equal(StatusCode.Unauthenticated, await StatusAsync(server, Token(good, "predict", TimeSpan.FromHours(-1))));
        Assert.Equal(StatusCode.Unauthenticated, await StatusAsync(server, Token(other, "predict", TimeSpan.FromHours(1))));
    }

    [Fact]
    public void Validate_BadKeys_SaysWhatIsWrongWithoutTheKey()
    {
        using var bundle = new TemporaryDirectory();
        var options = new ServerOptions { Model = [bundle.Path], ApiKeys = ["a=secret-but-short", "b=short", "no-name-secret"] };

        var faults = string.Join("; ", options.Validate());

        Assert.Contains("\"b\" has 5 characters", faults, StringComparison.Ordinal);
        Assert.Contains("without a name", faults, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", faults, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_OneKeyForTwoNames_NamesBothWithoutTheKey()
    {
        using var bundle = new TemporaryDirectory();
        var options = new ServerOptions { Model = [bundle.Path], ApiKeys = ["a=" + Key, "b=" + Key, "c=" + Key + "2"] };

        Assert.Equal("api keys: \"a\" and \"b\" have the same key", Assert.Single(options.Validate()));
    }

    [Theory]
    [InlineData("not a key")]
    [InlineData("")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void Validate_JwtKeyThatIsNone_NamesTheOptionAndTheFile(string content)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["key.pem"], content);
        var options = new ServerOptions { Model = [directory.Path], JwtKey = directory["key.pem"], JwtAudience = "predict" };

        var fault = Assert.Single(options.Validate());

        Assert.StartsWith($"jwt-key: {directory["key.pem"]}: expected the PEM of an RSA or", fault, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault);
    }

    [Fact]
    public void Validate_JwtKeyOfEitherKind_HasNoFault()
    {
        using var directory = new TemporaryDirectory();
        using var rsa = RSA.Create(2048);
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string[] keys = [rsa.ExportSubjectPublicKeyInfoPem(), rsa.ExportRSAPublicKeyPem(), curve.ExportSubjectPublicKeyInfoPem()];
        foreach (var pem in keys)
        {
            File.WriteAllText(directory["key.pem"], pem);

            Assert.Empty(
                new ServerOptions { Model = [directory.Path], JwtKey = directory["key.pem"], JwtAudience = "predict" }.Validate());
        }
    }

    [Theory]
    [InlineData("https://login.example.org/tenant", true)]
    [InlineData("https://login.example.org:8443/", true)]
    [InlineData("http://127.0.0.1:8080/realms/x", true)]
    [InlineData("http://localhost", true)]
    [InlineData("http://login.example.org", false)]
    [InlineData("login.example.org", false)]
    [InlineData("not a url", false)]
    [InlineData("", false)]
    [InlineData("file:///etc/keys", false)]
    [InlineData("ldap://login.example.org", false)]
    [InlineData("https://login.example.org/?tenant=x", false)]
    public void Validate_JwtAuthority_IsAnHttpsUrlOrOneOfThisMachine(string authority, bool fits)
    {
        using var bundle = new TemporaryDirectory();
        var options = new ServerOptions { Model = [bundle.Path], JwtAuthority = authority, JwtAudience = "predict" };

        string[] expected = fits ? [] : [$"jwt-authority: expected an https URL, or an http one of this machine, found \"{authority}\""];
        Assert.Equal(expected, options.Validate());
    }

    private static async Task<Prediction> PredictAsync(TestServer server, string? key)
    {
        using var client = new PredictionClient(new PredictionClientOptions { Addresses = [server.Address], ApiKey = key });
        return await client.PredictAsync("nli", "text").WaitAsync(TestServer.Patience);
    }

    private static async Task<StatusCode> StatusAsync(TestServer server, string token)
    {
        using var client = new PredictionClient(
            new PredictionClientOptions { Addresses = [server.Address], BearerToken = _ => Task.FromResult(token) });
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

    private static string Token(ECDsa key, string audience, TimeSpan lifetime) =>
        new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Audience = audience,
            NotBefore = DateTime.UtcNow.AddHours(-2),
            IssuedAt = DateTime.UtcNow.AddHours(-2),
            Expires = DateTime.UtcNow + lifetime,
            Claims = new Dictionary<string, object> { ["sub"] = "someone" },
            SigningCredentials = new SigningCredentials(new ECDsaSecurityKey(key), SecurityAlgorithms.EcdsaSha256),
        });
}
