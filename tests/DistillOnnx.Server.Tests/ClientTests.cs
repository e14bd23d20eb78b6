using DistillOnnx.Server.Tests.Fakes;
using Grpc.Core;

namespace DistillOnnx.Server.Tests;

public sealed class ClientTests
{
    [Fact]
    public async Task Predict_TwoServers_TakesTurns()
    {
        await using var first = await TestServer.StartAsync();
        await using var second = await TestServer.StartAsync();
        using var client = new PredictionClient(new PredictionClientOptions { Addresses = [first.Address, second.Address] });

        for (var i = 0; i < 20; i++) await client.PredictAsync("nli", "text").WaitAsync(TestServer.Patience);

        // The second connection may still come up while the first answers.
        Assert.InRange(first.Predictor.Batches, 1, 19);
        Assert.Equal(20, first.Predictor.Batches + second.Predictor.Batches);
    }

    [Fact]
    public async Task Predict_OneServerGone_TheOtherAnswersEveryCall()
    {
        await using var alive = await TestServer.StartAsync();
        var gone = await TestServer.StartAsync();
        using var client = new PredictionClient(new PredictionClientOptions { Addresses = [alive.Address, gone.Address] });
        await client.PredictAsync("nli", "text").WaitAsync(TestServer.Patience);
        await gone.DisposeAsync();

        for (var i = 0; i < 20; i++) Assert.NotEmpty((await client.PredictAsync("nli", $"text {i}").WaitAsync(TestServer.Patience)).Label);
    }

    [Fact]
    public async Task Predict_QueueFullForAMoment_IsTriedAgain()
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync(configure: o => o with { QueueRows = 1, RequestRows = 1 });
        server.Predictor.OnBatch = gate.Hold();
        var running = server.Client.PredictAsync("nli", "one");
        await gate.Entered;
        var waiting = server.Client.PredictAsync("nli", "two");
        await Wait.UntilAsync(() => server.Model.Batcher.QueuedRows > 0);

        var refusedAtFirst = server.Client.PredictAsync("nli", "three");
        gate.Open();

        Assert.Equal(server.Predictor.Answer("three").Label, (await refusedAtFirst.WaitAsync(TestServer.Patience)).Label);
        await Task.WhenAll(running, waiting).WaitAsync(TestServer.Patience);
    }

    [Fact]
    public async Task Predict_Deadline_EndsTheCall()
    {
        await using var server = await TestServer.StartAsync(new FakePredictor { PerToken = TimeSpan.FromMinutes(1) });
        using var client = new PredictionClient(
            new PredictionClientOptions { Addresses = [server.Address], Deadline = TimeSpan.FromMilliseconds(100), MaxAttempts = 1 });

        var fault = await Assert.ThrowsAsync<RpcException>(() => client.PredictAsync("nli", "text").WaitAsync(TestServer.Patience));

        Assert.Equal(StatusCode.DeadlineExceeded, fault.StatusCode);
    }

    [Fact]
    public async Task Models_ListAndGet_DescribeWhatIsServed()
    {
        await using var server = await TestServer.StartAsync();

        var listed = Assert.Single(await server.Client.ListModelsAsync().WaitAsync(TestServer.Patience));
        var got = await server.Client.GetModelAsync("nli", "1").WaitAsync(TestServer.Patience);

        Assert.Equal(listed, got);
        Assert.Equal(("nli", "1", true, TaskKind.Labels, 128), (got.Name, got.Version, got.Ready, got.Kind, got.MaxInputTokens));
        Assert.Equal(FakePredictor.Labels, got.Labels);
    }

    [Theory]
    [InlineData]
    [InlineData("http://a:1", "https://b:1")]
    [InlineData("localhost:5080")]
    [InlineData("127.0.0.1:5080")]
    [InlineData("http://a:1", "")]
    public void Create_NoServerOrMixedSchemesOrNoAddress_IsRefused(params string[] addresses)
    {
        Assert.Throws<ArgumentException>(() => new PredictionClient(new PredictionClientOptions { Addresses = addresses }));
    }
}
