using System.Diagnostics;
using DistillOnnx.Client;
using DistillOnnx.Server;
using DistillOnnx.Toolchain.Quickstart;

namespace DistillOnnx.Cli.Serving;

/// <summary>Serves a bundle in this process on a free loopback port and asks it through the public client.</summary>
internal sealed class GrpcServingStage : IServingStage
{
    /// <inheritdoc/>
    public async Task<ServedAnswers> AskAsync(
        string bundle, IReadOnlyList<string> texts, string device, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = new ServerOptions { Model = [bundle], Urls = ["http://127.0.0.1:0"], Inference = new() { Device = device } };
        var server = PredictionServer.RunAsync(options, addresses => listening.TrySetResult(addresses[0]), stop.Token);
        if (await Task.WhenAny(listening.Task, server) == server) await server;
        var address = await listening.Task;
        try
        {
            using var client = new PredictionClient(address);
            var labels = new List<string>();
            var probabilities = new List<double>();
            var milliseconds = new List<double>();
            foreach (var text in texts)
            {
                var start = Stopwatch.GetTimestamp();
                var answer = await client.PredictAsync("", text, cancellationToken: cancellationToken);
                milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                labels.Add(answer.Label);
                probabilities.Add(answer.Probability);
            }

            milliseconds.Sort();
            return new ServedAnswers(address, labels, probabilities, milliseconds[milliseconds.Count / 2]);
        }
        finally
        {
            await stop.CancelAsync();
            await server.WaitAsync(TimeSpan.FromSeconds(30), CancellationToken.None);
        }
    }
}
