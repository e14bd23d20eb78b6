using DistillOnnx.Server.Tests.Fakes;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace DistillOnnx.Server.Tests.Injection;

/// <summary>The client among a program's services.</summary>
public sealed class ClientInjectionTests
{
    [Fact]
    public async Task Client_OfTheServices_SendsThroughTheHandlersThatWereAdded()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { ApiKeys = ["a=0123456789abcdef"] });
        var counter = new Counter();
        var services = new ServiceCollection();
        services.AddPredictionClient(o =>
        {
            o.Addresses = [server.Address];
            o.ApiKey = "0123456789abcdef";
        }).AddHttpMessageHandler(() => counter);
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IPredictionClient>();

        var answer = await client.PredictAsync("nli", "a man sleeps").WaitAsync(TestServer.Patience);

        Assert.Equal(server.Predictor.Answer("a man sleeps").Label, answer.Label);
        Assert.Equal(1, counter.Requests);
        Assert.Same(client, provider.GetRequiredService<IPredictionClient>());
    }

    [Fact]
    public async Task Predict_ConnectionLostUnderTheCall_IsTriedAgain()
    {
        await using var server = await TestServer.StartAsync();
        var first = new LosesTheFirst();
        var services = new ServiceCollection();
        services.AddPredictionClient(o => o.Addresses = [server.Address]).AddHttpMessageHandler(() => first);
        await using var provider = services.BuildServiceProvider();

        var answer = await provider.GetRequiredService<IPredictionClient>().PredictAsync("nli", "text").WaitAsync(TestServer.Patience);

        Assert.Equal(server.Predictor.Answer("text").Label, answer.Label);
        Assert.Equal(2, first.Requests);
    }

    [Fact]
    public async Task Client_OfTheServices_TakesTurnsAmongServers()
    {
        await using var first = await TestServer.StartAsync();
        await using var second = await TestServer.StartAsync();
        var services = new ServiceCollection();
        services.AddPredictionClient(o => o.Addresses = [first.Address, second.Address]);
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IPredictionClient>();

        await Wait.UntilAsync(() =>
        {
            client.PredictAsync("nli", "text").Wait(TestServer.Patience);
            return first.Predictor.Batches > 0 && second.Predictor.Batches > 0;
        });
    }

    [Fact]
    public async Task Predict_CancelledByItsCaller_IsCancelled()
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync();
        server.Predictor.OnBatch = gate.Hold();
        using var cancel = new CancellationTokenSource();
        var call = server.Client.PredictAsync("nli", "text", cancellationToken: cancel.Token);
        await gate.Entered;

        await cancel.CancelAsync();

        var fault = await Assert.ThrowsAsync<OperationCanceledException>(() => call.WaitAsync(TestServer.Patience));
        Assert.Equal(cancel.Token, fault.CancellationToken);
        gate.Open();
    }

    [Fact]
    public async Task Predict_StreamCancelledByItsCaller_IsCancelled()
    {
        await using var server = await TestServer.StartAsync();
        using var cancel = new CancellationTokenSource();
        await using var answers = server.Client.PredictStreamAsync(One(), cancel.Token).GetAsyncEnumerator();
        Assert.True(await answers.MoveNextAsync().AsTask().WaitAsync(TestServer.Patience));

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answers.MoveNextAsync().AsTask().WaitAsync(TestServer.Patience));

        async IAsyncEnumerable<PredictStreamRequest> One()
        {
            yield return new PredictStreamRequest
            {
                Id = "1",
                Request = new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = "text" } } },
            };
            await Task.Delay(Timeout.Infinite, cancel.Token);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Predict_SourceOfTheStreamThrows_IsItsExceptionAtOnce(int before)
    {
        await using var server = await TestServer.StartAsync();

        var fault = await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync().WaitAsync(TestServer.Patience));

        Assert.Equal("row 7", fault.Message);

        async Task ReadAsync()
        {
            var answers = 0;
            await foreach (var answer in server.Client.PredictStreamAsync(Requests())) answers++;
            Assert.Fail($"the stream ended after {answers} answers");
        }

        async IAsyncEnumerable<PredictStreamRequest> Requests()
        {
            for (var i = 0; i < before; i++)
            {
                yield return new PredictStreamRequest
                {
                    Id = $"{i}",
                    Request = new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = "text" } } },
                };
            }

            await Task.Yield();
            throw new InvalidDataException("row 7");
        }
    }

    [Fact]
    public async Task Predict_DeadlineOfTheClient_IsNoCancellation()
    {
        await using var server = await TestServer.StartAsync(new FakePredictor { PerToken = TimeSpan.FromMinutes(1) });
        var services = new ServiceCollection();
        services.AddPredictionClient(o =>
        {
            o.Addresses = [server.Address];
            o.Deadline = TimeSpan.FromMilliseconds(100);
            o.MaxAttempts = 1;
        });
        await using var provider = services.BuildServiceProvider();

        var fault = await Assert.ThrowsAsync<RpcException>(
            () => provider.GetRequiredService<IPredictionClient>().PredictAsync("nli", "text").WaitAsync(TestServer.Patience));

        Assert.Equal(StatusCode.DeadlineExceeded, fault.StatusCode);
    }

    private sealed class Counter : DelegatingHandler
    {
        private int _requests;

        public int Requests => Volatile.Read(ref _requests);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _requests);
            return base.SendAsync(request, cancellationToken);
        }
    }

    /// <summary>Fails the first request as the handler of the connections does where a ping is not answered.</summary>
    private sealed class LosesTheFirst : DelegatingHandler
    {
        public int Requests { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            ++Requests > 1
                ? base.SendAsync(request, cancellationToken)
                : throw new HttpRequestException("lost", new IOException("aborted", new HttpProtocolException(1, "ping", null)));
    }
}
