using DistillOnnx.Core;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Configuration;
using DistillOnnx.Server.Models;

namespace DistillOnnx.Server.Tests;

public sealed class ServerCommandTests
{
    private const string Alice = "alice=0123456789abcdef", Bob = "bob=fedcba9876543210";

    [Fact]
    public void Bind_ApiKeys_AreTheSameFromFileAndEnvironment()
    {
        using var bundle = new TestSupport.TemporaryDirectory();
        (string Text, string[] Keys)[] cases =
        [
            (Alice, [Alice]),
            ($"{Alice}\n# a comment, with a comma\n{Bob}\n", [Alice, Bob]),
            ($"{Alice};{Bob}", [Alice, Bob]),
            ($"{Alice},{Bob}", [Alice, Bob]),
        ];
        foreach (var (text, keys) in cases)
        {
            File.WriteAllText(bundle["keys"], text);
            string[] model = ["--model", bundle[""]];
            Assert.Equal(keys, Bind([.. model, "--api-keys-file", bundle["keys"]]).ApiKeys);
            Assert.Equal(keys, Bind(model, ("DISTILL_SERVE_API_KEYS", text)).ApiKeys);
            Assert.Equal(keys, Bind(model, ("DISTILL_SERVE_API_KEYS_FILE", bundle["keys"])).ApiKeys);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ; ")]
    [InlineData("# none yet\n")]
    public void Bind_ApiKeysThatHoldNone_AreRefused(string text)
    {
        using var directory = new TestSupport.TemporaryDirectory();
        File.WriteAllText(directory["keys"], text);

        Assert.Contains(
            "holds no value",
            Assert.Throws<InputException>(() => Bind(["--model", directory[""], "--api-keys-file", directory["keys"]])).Message);
        Assert.Contains(
            "holds no value",
            Assert.Throws<InputException>(() => Bind(["--model", directory[""]], ("DISTILL_SERVE_API_KEYS", text))).Message);
    }

    [Fact]
    public void Bind_VariableThatIsEmpty_IsRefusedWhereItShouldHoldASecretAndElseNotSet()
    {
        using var directory = new TestSupport.TemporaryDirectory();

        Assert.Equal(5080, new Uri(Bind(["--model", directory[""]], ("DISTILL_SERVE_URLS", "")).Urls[0]).Port);
        Assert.StartsWith(
            "DISTILL_SERVE_TLS_PASSWORD: is set, but holds no value",
            Assert.Throws<InputException>(() => Bind(["--model", directory[""]], ("DISTILL_SERVE_TLS_PASSWORD", ""))).Message);
    }

    [Fact]
    public void Bind_SecretAsFlag_IsRefusedAndNotRepeated()
    {
        var error = Assert.Throws<InputException>(() => Bind(["--model", "m", "--api-keys", Alice])).Message;

        Assert.Contains("use DISTILL_SERVE_API_KEYS or --api-keys-file", error);
        Assert.DoesNotContain("0123456789abcdef", error);
    }

    [Fact]
    public void Validate_ManyFaults_ReportsAllAtOnce()
    {
        var faults = new ServerOptions { Model = ["nli=/no/such"], Urls = ["ftp://x", "https://127.0.0.1:0"], Lanes = -1 }.Validate();

        Assert.Contains(faults, f => f.Contains("/no/such", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains("ftp://x", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains("--tls-certificate", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains("lanes", StringComparison.Ordinal));
    }

    [Fact]
    public void Validate_SmallQueue_FitsRequestsToIt()
    {
        using var bundle = new TestSupport.TemporaryDirectory();
        var options = new ServerOptions { Model = [bundle.Path], QueueRows = 64 };

        Assert.Empty(options.Validate());
        Assert.Equal(64, options.MostRequestRows);
        Assert.Equal(256, new ServerOptions().MostRequestRows);
        Assert.Equal(64, BatchOptions.Of(ServerBatches.Limits(options), onGpu: true).MaxRows);
        Assert.Contains((options with { RequestRows = 65 }).Validate(), f => f.StartsWith("request-rows", StringComparison.Ordinal));
    }

    [Fact]
    public void Help_NamesTheFileOfASecret()
    {
        var help = ServerCommand.Create().Help(120);

        Assert.Contains("--model-folder DIR", help, StringComparison.Ordinal);
        Assert.Contains("[default: http://127.0.0.1:5080]", help, StringComparison.Ordinal);
        Assert.Contains("--api-keys-file FILE", help, StringComparison.Ordinal);
        Assert.DoesNotContain("--api-keys ", help, StringComparison.Ordinal);
    }

    private static ServerOptions Bind(string[] args, params (string Name, string Value)[] environment) =>
        ServerCommand.Bind(args, environment.ToDictionary(e => e.Name, e => e.Value), w => Assert.Fail(w));
}
