using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Export;
using DistillOnnx.Runtime;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using Grpc.Core;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Tests.Models;

/// <summary>Rationales of real bundles: what is loaded for them, when, and what is said where they cannot be written.</summary>
public sealed class RationaleBundleTests : IDisposable
{
    private const string Text = "a man sleeps";

    private static readonly TaskSpec Labels = new()
    {
        Name = "nli",
        Kind = TaskKind.Labels,
        Labels = ["yes", "no", "maybe"],
        MaxInputTokens = 48,
    };

    private readonly TemporaryDirectory _root = new();

    [Fact]
    public async Task LabelGraphAlone_AnswersLabelsAndCannotExplain()
    {
        Export(Labels, GraphSet.Label);
        await using var host = await StartAsync();
        using var client = new PredictionClient(host.Addresses[0]);

        Assert.Equal(Expected(), (await client.PredictAsync("", Text).WaitAsync(TestServer.Patience)).Label);
        await AssertUnableAsync(client, "the bundle lacks the encoder and decoder graphs");
    }

    [Fact]
    public async Task TextGraphsRemovedOnceLabelsAreServed_WereNotOpened()
    {
        Export(Labels, GraphSet.All);
        await using var host = await StartAsync();
        using var client = new PredictionClient(host.Addresses[0]);
        Assert.Equal(Expected(), (await client.PredictAsync("", Text).WaitAsync(TestServer.Patience)).Label);
        RemoveTextGraphs();

        // Had they been open, their files would not be missed.
        await AssertUnableAsync(client, "the bundle lacks the encoder and decoder graphs");
        Assert.Equal(Expected(), (await client.PredictAsync("", Text).WaitAsync(TestServer.Patience)).Label);
    }

    [Fact]
    public async Task TextGraphsRemovedOnceExplained_StayOpen()
    {
        Export(Labels, GraphSet.All);
        await using var host = await StartAsync();
        using var client = new PredictionClient(host.Addresses[0]);
        var first = await client.PredictAsync("", Text, explain: true).WaitAsync(TestServer.Patience);
        RemoveTextGraphs();

        Assert.Equal(first, await client.PredictAsync("", Text, explain: true).WaitAsync(TestServer.Patience));
    }

    [Fact]
    public async Task TextGraphSpoiledOnceLabelsAreServed_IsTheServersFault()
    {
        Export(Labels, GraphSet.All);
        await using var host = await StartAsync();
        using var client = new PredictionClient(host.Addresses[0]);
        File.WriteAllText(Graph(BundleFiles.Encoder), "no graph");

        var fault = await Assert.ThrowsAsync<RpcException>(
            () => client.PredictAsync("", Text, explain: true).WaitAsync(TestServer.Patience));

        Assert.Equal(StatusCode.Internal, fault.StatusCode);
        Assert.DoesNotContain(_root.Path, fault.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(Expected(), (await client.PredictAsync("", Text).WaitAsync(TestServer.Patience)).Label);
    }

    [Fact]
    public async Task TrainedWithoutRationales_CannotExplain()
    {
        Export(Labels with { ExplainPrefix = Labels.PredictPrefix }, GraphSet.All);
        await using var host = await StartAsync();
        using var client = new PredictionClient(host.Addresses[0]);

        await AssertUnableAsync(client, "the student was trained without rationales");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(9)]
    public async Task RationaleTokens_Option_IsTheLongestRationale(int tokens)
    {
        Export(Labels, GraphSet.All);
        await using var host = await StartAsync(tokens);
        using var client = new PredictionClient(host.Addresses[0]);
        using var predictor = BundlePredictor.Open(_root["bundle"], new RuntimeOptions { Device = "cpu", Threads = 1 });
        string Rationale(int most) => predictor.Explain([new PredictorInput(Text)], new ExplainSettings { MaxTokens = most })[0].Text;

        var answer = await client.PredictAsync("", Text, explain: true).WaitAsync(TestServer.Patience);

        Assert.Equal(Rationale(tokens), answer.Rationale);
        Assert.NotEqual(Rationale(tokens + 5), answer.Rationale);
    }

    public void Dispose() => _root.Dispose();

    private static async Task AssertUnableAsync(PredictionClient client, string reason)
    {
        var fault = await Assert.ThrowsAsync<RpcException>(
            () => client.PredictAsync("", Text, explain: true).WaitAsync(TestServer.Patience));
        Assert.Equal(StatusCode.FailedPrecondition, fault.StatusCode);
        Assert.Contains(reason, fault.Status.Detail, StringComparison.Ordinal);
    }

    private void Export(TaskSpec task, GraphSet graphs)
    {
        RandomCheckpoint.Write(_root["checkpoint"], RandomCheckpoint.Uneven, task, seed: 5, TinyTokenizer.SpieceModel);
        BundleExporter.Export(
            new BundleExportOptions { Model = _root["checkpoint"], Out = _root["bundle"], Graphs = graphs }, Reporter.None);
    }

    private Task<ServerHost> StartAsync(int tokens = 12)
    {
        var options = new ServerOptions
        {
            Model = [_root["bundle"]],
            Urls = ["http://127.0.0.1:0"],
            Inference = new() { Device = "cpu", Threads = 1 },
            RationaleTokens = tokens,
            LogLevel = Microsoft.Extensions.Logging.LogLevel.Critical,
        };
        return ServerHost.StartAsync(options, null, CancellationToken.None).WaitAsync(TestServer.Patience);
    }

    private string Expected()
    {
        using var predictor = BundlePredictor.Open(_root["bundle"], new RuntimeOptions { Device = "cpu", Threads = 1 });
        return predictor.Predict([new PredictorInput(Text)])[0].Label;
    }

    private void RemoveTextGraphs()
    {
        foreach (var graph in new[] { BundleFiles.Encoder, BundleFiles.Decoder, BundleFiles.DecoderWithPast, BundleFiles.DecoderMerged })
            File.Delete(Graph(graph));
    }

    private string Graph(string graph) => Path.Combine(_root["bundle"], BundleFiles.Graph(graph));
}
