using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>The server's own executable as a process beside this one, on a free port.</summary>
internal sealed class ServerProcess : IDisposable
{
    private const string Listening = "listening on ";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly HttpClient _http = new();

    private ServerProcess(Process process, string address, double readyMs)
    {
        _process = process;
        Address = address;
        ReadyMs = readyMs;
    }

    /// <summary>Where it listens.</summary>
    public string Address { get; }

    /// <summary>Milliseconds from the start of the process until its health service called the model ready.</summary>
    public double ReadyMs { get; }

    /// <summary>Resident memory, in bytes.</summary>
    public long ResidentBytes => Machine.ResidentBytes(_process.Id);

    /// <summary>Processor time that it has taken.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts a server and waits until it is ready.</summary>
    /// <param name="bundle">The bundle, served as <c>nli</c>.</param>
    /// <param name="threads">Threads of an operator.</param>
    /// <param name="arguments">Further options.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public static async Task<ServerProcess> StartAsync(
        string bundle, int threads, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        // A program that is packed with its own .NET has executables of its own, and no dotnet to run them.
        var server = Path.Combine(AppContext.BaseDirectory, "DistillOnnx.Server");
        var isDotnet = Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet";
        var start = new ProcessStartInfo(
            isDotnet ? Environment.ProcessPath! : server,
            [
                .. isDotnet ? (string[])["exec", server + ".dll"] : [],
                "--model",
                "nli=" + bundle,
                "--urls",
                "http://127.0.0.1:0",
                "--threads",
                threads.ToString(CultureInfo.InvariantCulture),
                "--log-level",
                "error",
                .. arguments
            ])
        {
            RedirectStandardError = true,
        };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        var began = Stopwatch.GetTimestamp();
        var process = Process.Start(start)!;
        try
        {
            string? line;
            do
            {
                line = await process.StandardError.ReadLineAsync(patience.Token)
                    ?? throw new InvalidOperationException("the server ended before it listened");
            }
            while (!line.StartsWith(Listening, StringComparison.Ordinal));
            _ = process.StandardError.ReadToEndAsync(CancellationToken.None);
            var address = line[Listening.Length..];
            using var channel = GrpcChannel.ForAddress(address);
            var health = await new Health.HealthClient(channel).CheckAsync(
                new HealthCheckRequest { Service = "nli" }, cancellationToken: patience.Token);
            if (health.Status != HealthCheckResponse.Types.ServingStatus.Serving)
                throw new InvalidOperationException($"the server says {health.Status}");
            return new ServerProcess(process, address, Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    /// <summary>Reads a counter or gauge off <c>/metrics</c>, summed over the series whose labels contain a text.</summary>
    public async Task<double> MetricAsync(string name, string label, CancellationToken cancellationToken)
    {
        var page = await _http.GetStringAsync(new Uri(Address + "/metrics"), cancellationToken);
        return page.Split('\n')
            .Where(l => l.StartsWith(name + "{", StringComparison.Ordinal) && l.Contains(label, StringComparison.Ordinal))
            .Sum(l => double.Parse(l[(l.IndexOf("} ", StringComparison.Ordinal) + 2)..].Split(' ')[0], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _http.Dispose();
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
