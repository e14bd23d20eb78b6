using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Server.Tests;

/// <summary>The server's own executable: what it says, how it fails to start, and what it does at the system's limits.</summary>
public sealed class ServerProgramTests(RealBundlesFixture fixture) : IClassFixture<RealBundlesFixture>
{
    private const string Anywhere = "http://127.0.0.1:0";
    private readonly RealBundles _bundles = fixture.Bundles;

    [Fact]
    public async Task Start_PortThatIsTaken_EndsWithOneLineThatNamesIt()
    {
        var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        try
        {
            var url = $"http://{taken.LocalEndpoint}";
            using var server = ServerProgram.Start([.. Model, "--urls", url]);

            var line = Assert.Single(await server.EndAsync(), l => !l.Contains("info:", StringComparison.Ordinal));
            Assert.Equal(2, server.ExitCode);
            Assert.StartsWith($"{url}: cannot listen: ", line, StringComparison.Ordinal);
        }
        finally
        {
            taken.Stop();
        }
    }

    [Theory]
    [InlineData("not a certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    [InlineData("")]
    public async Task Start_CertificateThatIsNone_EndsWithOneLineThatNamesIt(string content)
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory["server.pem"], content);
        using var server = ServerProgram.Start(
            [.. Model, "--urls", "https://127.0.0.1:0", "--tls-certificate", directory["server.pem"], "--log-json"]);

        var lines = await server.EndAsync();

        Assert.Equal(2, server.ExitCode);
        var last = JsonDocument.Parse(lines[^1]).RootElement;
        Assert.Equal("Critical", last.GetProperty("LogLevel").GetString());
        Assert.StartsWith(
            $"{directory["server.pem"]}: cannot be read as a certificate",
            last.GetProperty("Message").GetString()!,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--jwt-key", "jwt-key: ")]
    [InlineData("--jwt-authority", "jwt-authority: expected an https URL")]
    public async Task Start_BearerTokensThatCannotBeChecked_EndsWithOneLineThatNamesTheOption(string option, string fault)
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory["key.pem"], "not a key");
        using var server = ServerProgram.Start([.. Model, "--urls", Anywhere, option, directory["key.pem"], "--jwt-audience", "x"]);

        var line = Assert.Single(await server.EndAsync());

        Assert.Equal(2, server.ExitCode);
        Assert.StartsWith(fault, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Terminate_VersionCopiedAgainInPlace_EndsAsUsual()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using var folder = new TemporaryDirectory();
        _bundles.Drop(0, folder["nli/1"]);
        using var server = ServerProgram.Start(
            ["--model-folder", folder.Path, "--poll-seconds", "0.1", "--urls", Anywhere, .. Model[2..], "--log-json"]);
        await server.AddressAsync();
        File.SetLastWriteTimeUtc(Path.Combine(folder["nli/1"], "distill.json"), DateTime.UtcNow.AddMinutes(1));
        await server.LineAsync("is out of service");
        server.Terminate();

        var lines = await server.EndAsync();

        Assert.Equal(0, server.ExitCode);
        Assert.Contains("Stopped", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task LogJson_FromStartToEnd_EveryLineIsAnObject()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using var server = ServerProgram.Start(
            [.. Model, "--urls", Anywhere, "--log-json", "--queue-rows", "64"], null, ("DISTILL_SERVE_URLSS", "x"));
        using var http = new HttpClient { BaseAddress = new Uri(await server.AddressAsync()) };
        using var good = await http.PostAsJsonAsync("/v1/models/nli:predict", new { inputs = new[] { "a man sleeps" } });
        using var bad = await http.PostAsJsonAsync("/v1/models/none:predict", new { inputs = new[] { "a man sleeps" } });
        server.Terminate();

        var lines = (await server.EndAsync()).Select(l => JsonDocument.Parse(l).RootElement).ToList();

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.NotFound, 0), (good.StatusCode, bad.StatusCode, server.ExitCode));
        var messages = lines.Select(l => (l.GetProperty("LogLevel").GetString(), l.GetProperty("Message").GetString()!)).ToList();
        Assert.Contains(messages, m => m.Item1 == "Warning" && m.Item2.Contains("DISTILL_SERVE_URLSS", StringComparison.Ordinal));
        Assert.Contains(messages, m => m.Item2.Contains("At most 64 inputs of a request", StringComparison.Ordinal));
        Assert.Equal("Stopped", messages[^1].Item2);
    }

    [Theory]
    [InlineData("--no-such-option")]
    [InlineData("--model", "/no/such/bundle")]
    public async Task LogJson_ArgumentsAtFault_AreReportedAsAnObject(params string[] arguments)
    {
        using var server = ServerProgram.Start([.. arguments, "--log-json"]);

        var line = JsonDocument.Parse(Assert.Single(await server.EndAsync())).RootElement;

        Assert.Equal((2, "Critical"), (server.ExitCode, line.GetProperty("LogLevel").GetString()));
        Assert.Contains(arguments[^1], line.GetProperty("Message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_OfTheWholeLine_IsTaken()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory["line.json"], JsonSerializer.Serialize(new
        {
            train = new { data = "data", student = "t5-tiny", @out = "student" },
            export = new { model = "student", @out = "bundle" },
            serve = new { model = "nli=" + _bundles.Directory(0), urls = Anywhere, threads = 1, device = "cpu", log_json = true },
        }));
        using var server = ServerProgram.Start(["--config", directory["line.json"]]);
        using var http = new HttpClient { BaseAddress = new Uri(await server.AddressAsync()) };

        using var answer = await http.PostAsJsonAsync("/v1/models/nli:predict", new { inputs = new[] { "a man sleeps" } });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.All(server.Lines, l => JsonDocument.Parse(l).Dispose());
    }

    [Fact]
    public async Task Connections_MoreThanFilesAllow_AreRefusedAndTheServerLives()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the limit of open files is read as Linux tells it");
        const int files = FileLimit.Reserve + 66, callers = 300;
        using var server = ServerProgram.Start([.. Model, "--urls", Anywhere], files);
        var address = new Uri(await server.AddressAsync());
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < callers; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                try
                {
                    await socket.ConnectAsync(IPAddress.Loopback, address.Port);
                }
                catch (SocketException)
                {
                    // Closed before this side saw that it was open: an error for this caller, as it should be.
                }
            }

            // Each asks over its connection: the first ones are answered, the others find it closed.
            var statuses = await Task.WhenAll(sockets.Select(AskAsync)).WaitAsync(TestServer.Patience);
            var answered = statuses.Count(s => s);
            Assert.InRange(answered, 1, files - FileLimit.Reserve);
            Assert.True(server.IsRunning);
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }

        using var http = new HttpClient { BaseAddress = address };
        await Wait.UntilAsync(() => Answers(http));
        Assert.True(server.IsRunning);
    }

    [Fact]
    public async Task Start_TooFewFiles_EndsWithOneLineThatNamesTheLimit()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the limit of open files is read as Linux tells it");
        using var server = ServerProgram.Start([.. Model, "--urls", Anywhere], files: 250);

        var line = Assert.Single(await server.EndAsync());

        Assert.Equal(2, server.ExitCode);
        Assert.StartsWith("the process may have 250 files open (ulimit -n)", line, StringComparison.Ordinal);
    }

    private string[] Model => ["--model", "nli=" + _bundles.Directory(0), "--threads", "1", "--device", "cpu"];

    /// <summary>Whether a request over an open connection is answered.</summary>
    private static async Task<bool> AskAsync(Socket socket)
    {
        try
        {
            await socket.SendAsync("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
            var buffer = new byte[16];
            var read = await socket.ReceiveAsync(buffer);
            return read > 0 && System.Text.Encoding.ASCII.GetString(buffer, 0, read).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static bool Answers(HttpClient http)
    {
        try
        {
            using var answer = http.GetAsync("/v1/models").GetAwaiter().GetResult();
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
