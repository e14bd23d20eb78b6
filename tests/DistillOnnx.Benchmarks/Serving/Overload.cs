extern alias client;

using System.Collections.Concurrent;
using System.Diagnostics;
using client::DistillOnnx.Client;
using Grpc.Core;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>Calls that come at a fixed rate whether or not earlier ones are answered, each with a deadline and tried once.</summary>
internal sealed class Overload
{
    private const int Connections = 4;

    private readonly ConcurrentBag<(StatusCode Status, double Milliseconds)> _ended = [];
    private double _seconds;

    /// <summary>How long a caller waits.</summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(2);

    /// <summary>Calls that were made.</summary>
    public int Offered => _ended.Count;

    /// <summary>Answers within their deadline, a second.</summary>
    public double Goodput => Latencies(s => s == StatusCode.OK).Count / _seconds;

    /// <summary>Milliseconds of each call that was answered.</summary>
    public IReadOnlyList<double> Answered => Latencies(s => s == StatusCode.OK);

    /// <summary>Milliseconds of each call that was refused.</summary>
    public IReadOnlyList<double> Refused => Latencies(s => s == StatusCode.ResourceExhausted);

    /// <summary>Calls that were taken but not answered in time.</summary>
    public int Late => Latencies(s => s == StatusCode.DeadlineExceeded).Count;

    /// <summary>Calls that ended in any other way.</summary>
    public int Lost => Latencies(s => s is not (StatusCode.OK or StatusCode.ResourceExhausted or StatusCode.DeadlineExceeded)).Count;

    /// <summary>Runs the load.</summary>
    /// <param name="address">The server.</param>
    /// <param name="texts">Sent over and over.</param>
    /// <param name="rate">Calls a second.</param>
    /// <param name="length">For how long.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task RunAsync(string address, string[] texts, double rate, TimeSpan length, CancellationToken cancellationToken)
    {
        PredictionClient[] clients =
        [
            .. Enumerable.Range(0, Connections).Select(_ => new PredictionClient(new PredictionClientOptions { Addresses = [address], Deadline = Deadline, MaxAttempts = 1 })),
        ];
        var calls = new List<Task>();
        var start = Stopwatch.GetTimestamp();
        for (var sent = 0; Stopwatch.GetElapsedTime(start) < length;)
        {
            var due = Stopwatch.GetElapsedTime(start).TotalSeconds * rate;
            for (; sent < due; sent++) calls.Add(CallAsync(clients[sent % clients.Length], texts[sent % texts.Length], cancellationToken));
            await Task.Delay(1, cancellationToken);
        }

        await Task.WhenAll(calls);
        _seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        foreach (var client in clients) client.Dispose();
    }

    private async Task CallAsync(PredictionClient client, string text, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var status = StatusCode.OK;
        try
        {
            await client.PredictAsync("nli", text, cancellationToken: cancellationToken);
        }
        catch (RpcException e)
        {
            status = e.StatusCode;
        }

        _ended.Add((status, Stopwatch.GetElapsedTime(start).TotalMilliseconds));
    }

    private List<double> Latencies(Func<StatusCode, bool> which) => [.. _ended.Where(e => which(e.Status)).Select(e => e.Milliseconds)];
}
