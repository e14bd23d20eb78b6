using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>What a server answers when it is asked for no more than it can do, and when for far more.</summary>
internal sealed class Overload
{
    private const int Connections = 4;

    // Waking more often would take more of the machine than the calls themselves.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(4);

    private readonly ConcurrentBag<(StatusCode Status, double Milliseconds)> _ended = [];
    private double _seconds;

    /// <summary>How long a caller waits.</summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(2);

    /// <summary>Calls that were made.</summary>
    public int Offered => _ended.Count;

    /// <summary>Answers within their deadline, a second.</summary>
    public double Goodput => Answered.Count / _seconds;

    /// <summary>Milliseconds of each call that was answered.</summary>
    public IReadOnlyList<double> Answered => Latencies(s => s == StatusCode.OK);

    /// <summary>Milliseconds of each call that was refused.</summary>
    public IReadOnlyList<double> Refused => Latencies(s => s == StatusCode.ResourceExhausted);

    /// <summary>Calls that were taken but not answered in time.</summary>
    public int Late => Latencies(s => s == StatusCode.DeadlineExceeded).Count;

    /// <summary>Calls that ended in any other way.</summary>
    public int Lost => Latencies(s => s is not (StatusCode.OK or StatusCode.ResourceExhausted or StatusCode.DeadlineExceeded)).Count;

    /// <summary>Answers a second that so many callers get, each of whom waits for one before it asks again.</summary>
    public static async Task<double> PeakAsync(string address, string[] texts, int callers, TimeSpan length, CancellationToken cancellationToken)
    {
        var (clients, frames) = Connect(address, texts, patience: TimeSpan.FromMinutes(1));
        var rate = await Callers.SaturateAsync(
            async (caller, text) =>
            {
                var status = await clients[caller % clients.Length].PredictAsync(frames[text % frames.Length], cancellationToken);
                if (status != StatusCode.OK) throw new InvalidOperationException($"a call at the peak ended as {status}");
            },
            callers,
            length);
        foreach (var client in clients) client.Dispose();
        return rate;
    }

    /// <summary>Makes calls at a fixed rate, whether or not earlier ones are answered, each tried once. May be run again: calls add up.</summary>
    /// <param name="address">The server.</param>
    /// <param name="texts">Sent over and over.</param>
    /// <param name="rate">Calls a second.</param>
    /// <param name="length">For how long.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task RunAsync(string address, string[] texts, double rate, TimeSpan length, CancellationToken cancellationToken)
    {
        var (clients, frames) = Connect(address, texts, Deadline);
        var calls = new List<Task>();
        var start = Stopwatch.GetTimestamp();
        for (var sent = 0; Stopwatch.GetElapsedTime(start) < length;)
        {
            var due = Stopwatch.GetElapsedTime(start).TotalSeconds * rate;
            for (; sent < due; sent++) calls.Add(CallAsync(clients[sent % clients.Length], frames[sent % frames.Length], cancellationToken));
            await Task.Delay(Pace, cancellationToken);
        }

        await Task.WhenAll(calls);
        _seconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        foreach (var client in clients) client.Dispose();
    }

    private static (LoadClient[] Clients, byte[][] Frames) Connect(string address, string[] texts, TimeSpan patience) =>
        ([.. Enumerable.Range(0, Connections).Select(_ => new LoadClient(address, patience))], [.. texts.Select(LoadClient.Frame)]);

    private async Task CallAsync(LoadClient client, byte[] frame, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var status = await client.PredictAsync(frame, cancellationToken);
        _ended.Add((status, Stopwatch.GetElapsedTime(start).TotalMilliseconds));
    }

    private List<double> Latencies(Func<StatusCode, bool> which) => [.. _ended.Where(e => which(e.Status)).Select(e => e.Milliseconds)];
}
