using System.Runtime.CompilerServices;
using DistillOnnx.Server.Tests.Fakes;

namespace DistillOnnx.Server.Tests.Chaos;

/// <summary>Everything that clients do wrong at once, while honest callers check every answer and models are switched under them.</summary>
public sealed class ChaosTests
{
    // How much must have happened before the abuse ends.
    private const int Answers = 20, Switches = 5;

    [Fact]
    public async Task Serve_UnderAbuseAndModelSwitches_NeverCrashesCrossesOrLosesAnAnswer()
    {
        await using var server = await TestServer.StartAsync(
            new FakePredictor { PerToken = TimeSpan.FromMicroseconds(20), Salt = "1" },
            o => o with { MessageBytes = 1 << 20, Connections = 5000, LogLevel = Microsoft.Extensions.Logging.LogLevel.Critical });
        using var over = new CancellationTokenSource();
        var answered = new int[8];
        var switches = new StrongBox<int>();

        var honest = Enumerable.Range(0, answered.Length).Select(i => HonestAsync(server, i, answered, over.Token)).ToArray();
        Task[] others =
        [
            Abuse.SwitchAsync(server, switches, over.Token),
            .. Enumerable.Range(0, 2).Select(i => Abuse.CancelAsync(server, i, over.Token)),
            Abuse.BadRequestsAsync(server, over.Token),
            Abuse.GarbageAsync(server, over.Token),
            Abuse.VanishAsync(server, over.Token),
            Abuse.ConnectionsAsync(server, over.Token),
        ];
        Task[] all = [.. honest, .. others];
        try
        {
            // Who fails ends early, and the failure is what this test then reports.
            await Wait.UntilAsync(() => all.Any(t => t.IsFaulted)
                || (answered.All(a => a >= Answers) && Volatile.Read(ref switches.Value) >= Switches));
        }
        finally
        {
            await over.CancelAsync();
        }

        await Task.WhenAll(all).WaitAsync(TestServer.Patience);
        Assert.NotEmpty((await server.Client.PredictAsync("nli", "still there").WaitAsync(TestServer.Patience)).Label);
        await Wait.UntilAsync(() => server.Model.Batcher.QueuedRows == 0);
    }

    /// <summary>Calls that must all be answered, each with the answer to its own text by the version that it names.</summary>
    private static async Task HonestAsync(TestServer server, int id, int[] count, CancellationToken over)
    {
        var random = new Random(id);
        var answered = 0;
        using var client = new PredictionClient(
            new PredictionClientOptions { Addresses = [server.Address], Deadline = TestServer.Patience });
        while (!over.IsCancellationRequested)
        {
            var request = new PredictRequest { Model = "nli" };
            for (var i = random.Next(1, 6); i > 0; i--)
                request.Inputs.Add(
                    new PredictionInput { Text = string.Join(' ', Enumerable.Repeat($"w{id}x{answered}x{i}", random.Next(1, 60))) });
            var response = await client.PredictAsync(request, CancellationToken.None);
            var version = new FakePredictor { Salt = response.Version };
            for (var i = 0; i < request.Inputs.Count; i++)
                Assert.Equal(version.Answer(request.Inputs[i].Text).Probability, response.Predictions[i].Probability);
            answered++;
            Volatile.Write(ref count[id], answered);
        }
    }
}
