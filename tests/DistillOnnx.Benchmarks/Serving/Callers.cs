extern alias client;

using System.Diagnostics;
using client::DistillOnnx.Client;

namespace DistillOnnx.Benchmarks.Serving;

/// <summary>Callers that each wait for an answer before they send the next text.</summary>
internal static class Callers
{
    private const int Connections = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Clients that share the work of many callers.</summary>
    public static PredictionClient[] Connect(string address) =>
        [.. Enumerable.Range(0, Connections).Select(_ =>
            new PredictionClient(new PredictionClientOptions { Addresses = [address], Deadline = Patience }))];

    /// <summary>Answers a second under so many callers.</summary>
    /// <param name="clients">Their connections.</param>
    /// <param name="texts">Sent over and over, in order.</param>
    /// <param name="callers">How many wait at a time.</param>
    /// <param name="length">How long to measure, after a fifth of it to warm up.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public static async Task<double> SaturateAsync(
        PredictionClient[] clients, string[] texts, int callers, TimeSpan length, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var (begin, end) = (length / 5, length * 1.2);
        var (next, counted) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, callers).Select(async caller =>
        {
            while (Stopwatch.GetElapsedTime(start) < end)
            {
                await clients[caller % clients.Length].PredictAsync(
                    "nli", texts[Interlocked.Increment(ref next) % texts.Length], cancellationToken: cancellationToken);
                var now = Stopwatch.GetElapsedTime(start);
                if (now >= begin && now < end) Interlocked.Increment(ref counted);
            }
        }));
        return counted / length.TotalSeconds;
    }

    /// <summary>Sends every text once.</summary>
    public static async Task SendAllAsync(
        PredictionClient[] clients, IReadOnlyList<string> texts, int callers, CancellationToken cancellationToken)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, callers).Select(async caller =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < texts.Count;)
                await clients[caller % clients.Length].PredictAsync("nli", texts[i], cancellationToken: cancellationToken);
        }));
    }
}
