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

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentBag<(StatusCode Status, double Milliseconds)> _ended = [];
    private double _seconds;

    /// <summary>How long a caller waits.</summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(2);

    /// <summary>Calls that were made.</summary>
    public int Offered => _ended.Count;

    /// <summary>Answers within their deadline, a second.</summary>
    public double Goodput => Answered.Count / _seconds;

    /// <summary>Milliseconds of each call that was answered.</summary>
    public IReadOnlyList<double> Answered => Latencies((s, ms) => s == StatusCode.OK && ms <= Deadline.TotalMilliseconds);

    /// <summary>Milliseconds of each call that was refused.</summary>
    public IReadOnlyList<double> Refused => Latencies((s, _) => s == StatusCode.ResourceExhausted);

    /// <summary>Calls that were taken but not answered in time.</summary>
    public int Late =>
        Latencies((s, ms) => s == StatusCode.DeadlineExceeded || (s == StatusCode.OK && ms > Deadline.TotalMilliseconds)).Count;

    /// <summary>Calls that ended in any other way.</summary>
    public int Lost => Latencies((s, _) => s is not (StatusCode.OK or StatusCode.ResourceExhausted or StatusCode.DeadlineExceeded)).Count;

    /// <summary>Answers a second that so many callers get, each of whom waits for one before it asks again.</summary>
    /// <param name="address">The server.</param>
    /// <param name="texts">Sent over and over.</param>
    /// <param name="callers">How many wait at a time.</param>
    /// <param name="length">How long to measure, after a fifth of it to warm up.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public static async Task<double> PeakAsync(
        string address, string[] texts, int callers, TimeSpan length, CancellationToken cancellationToken)
    {
        byte[][] messages = [.. texts.Select(LoadConnection.Message)];
        var (next, counted, failed) = (0, 0, 0);
        var start = Stopwatch.GetTimestamp();
        var connections = new LoadConnection[Connections];
        for (var i = 0; i < connections.Length; i++)
        {
            var own = i;
            connections[i] = new LoadConnection(new Uri(address), Patience, (status, _) =>
            {
                if (status != StatusCode.OK) Interlocked.Increment(ref failed);
                var elapsed = Stopwatch.GetElapsedTime(start);
                if (elapsed >= length / 5 && elapsed < length * 1.2) Interlocked.Increment(ref counted);
                if (elapsed < length * 1.2) connections[own].Send(messages[Interlocked.Increment(ref next) % messages.Length]);
            });
        }

        for (var caller = 0; caller < callers; caller++)
            connections[caller % connections.Length].Send(messages[Interlocked.Increment(ref next) % messages.Length]);
        await Task.Delay(length * 1.2, cancellationToken);
        await CloseAsync(connections, cancellationToken);
        return failed == 0 ? counted / length.TotalSeconds : throw new InvalidOperationException($"{failed} calls failed at the peak");
    }

    /// <summary>Makes calls at a fixed rate, whether or not earlier ones are answered, each tried once.</summary>
    /// <param name="address">The server.</param>
    /// <param name="texts">Sent over and over.</param>
    /// <param name="rate">Calls a second.</param>
    /// <param name="length">For how long.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task RunAsync(string address, string[] texts, double rate, TimeSpan length, CancellationToken cancellationToken)
    {
        byte[][] messages = [.. texts.Select(LoadConnection.Message)];
        LoadConnection[] connections = [.. Enumerable.Range(0, Connections).Select(_ =>
            new LoadConnection(new Uri(address), Deadline, (status, ms) => _ended.Add((status, ms))))];
        var start = Stopwatch.GetTimestamp();
        for (var sent = 0; Stopwatch.GetElapsedTime(start) < length;)
        {
            var due = Stopwatch.GetElapsedTime(start).TotalSeconds * rate;
            for (; sent < due; sent++) connections[sent % Connections].Send(messages[sent % messages.Length]);
            await Task.Delay(Pace, cancellationToken);
        }

        await CloseAsync(connections, cancellationToken);
        _seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task CloseAsync(LoadConnection[] connections, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        while (connections.Any(c => c.Open > 0) && Stopwatch.GetElapsedTime(start) < Patience) await Task.Delay(Pace, cancellationToken);
        foreach (var connection in connections) connection.Dispose();
    }

    private List<double> Latencies(Func<StatusCode, double, bool> which) =>
        [.. _ended.Where(e => which(e.Status, e.Milliseconds)).Select(e => e.Milliseconds)];
}
