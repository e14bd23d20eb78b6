using DistillOnnx.Core;
using DistillOnnx.Server.Configuration;

namespace DistillOnnx.Server.Tests;

public sealed class OptionReaderTests
{
    [Fact]
    public void Read_FlagsInEveryForm_SetsTheOptions()
    {
        var options = OptionReader<ServerOptions>.Read(
            ["--model", "a=/x", "--model=b=/y", "--urls", "http://*:0", "--playground", "--batch-wait-ms", "1.5", "--log-level", "debug"], "NOT_SET_");

        Assert.Equal(["a=/x", "b=/y"], options.Model);
        Assert.Equal(["http://*:0"], options.Urls);
        Assert.True(options.Playground);
        Assert.Equal(1.5, options.BatchWaitMs);
        Assert.Equal(Microsoft.Extensions.Logging.LogLevel.Debug, options.LogLevel);
    }

    [Theory]
    [InlineData("unknown argument --nope", "--nope")]
    [InlineData("needs a value", "--model")]
    [InlineData("--lanes: expected a value of type Int32, found \"x\"", "--lanes", "x")]
    [InlineData("given twice", "--lanes", "1", "--lanes", "2")]
    [InlineData("secret", "--api-keys", "a=b")]
    public void Read_BadArguments_SaysWhich(string message, params string[] args)
    {
        var fault = Assert.Throws<InputException>(() => OptionReader<ServerOptions>.Read(args, "NOT_SET_"));

        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Environment_LosesToFlagsAndCarriesSecrets()
    {
        const string prefix = "DISTILLONNX_READER_TEST_";
        Environment.SetEnvironmentVariable(prefix + "LANES", "3");
        Environment.SetEnvironmentVariable(prefix + "THREADS", "4");
        Environment.SetEnvironmentVariable(prefix + "API_KEYS", "a=1;b=2");

        var options = OptionReader<ServerOptions>.Read(["--lanes", "2"], prefix);

        Assert.Equal((2, 4), (options.Lanes, options.Threads));
        Assert.Equal(["a=1", "b=2"], options.ApiKeys);
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
    public void Help_EveryOption_IsListedButSecrets()
    {
        var help = OptionReader<ServerOptions>.Help("title");

        Assert.Contains("--model-folder DIR", help, StringComparison.Ordinal);
        Assert.Contains("[http://127.0.0.1:5080]", help, StringComparison.Ordinal);
        Assert.DoesNotContain("--api-keys ", help, StringComparison.Ordinal);
    }
}
