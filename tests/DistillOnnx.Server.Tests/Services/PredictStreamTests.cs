using DistillOnnx.Server.Tests.Fakes;
using Grpc.Core;

namespace DistillOnnx.Server.Tests.Services;

public sealed class PredictStreamTests
{
    [Fact]
    public async Task PredictStream_ManyRequests_AnswersEachUnderItsId()
    {
        await using var server = await TestServer.StartAsync();
        var texts = Enumerable.Range(0, 300).ToDictionary(i => $"id{i}", i => string.Join(' ', Enumerable.Repeat($"w{i}", 1 + i % 20)));

        var answers = await CollectAsync(server, texts.Select(t => Request(t.Key, t.Value)));

        Assert.Equal(texts.Keys.Order(), answers.Select(a => a.Id).Order());
        Assert.All(answers, a => Assert.Equal(server.Predictor.Answer(texts[a.Id]).Probability, a.Response.Predictions[0].Probability));
    }

    [Fact]
    public async Task PredictStream_OneBadRequest_IsAnsweredWithItsErrorAndTheStreamGoesOn()
    {
        await using var server = await TestServer.StartAsync();

        var answers = await CollectAsync(server, [Request("a", "good"), Request("b", ""), Request("c", "good too")]);

        var bad = answers.Single(a => a.Id == "b");
        Assert.Equal((int)StatusCode.InvalidArgument, bad.Error.Code);
        Assert.Contains("inputs[0].text", bad.Error.Message, StringComparison.Ordinal);
        Assert.Equal(["a", "c"], answers.Where(a => a.Response is not null).Select(a => a.Id).Order());
    }

    [Fact]
    public async Task PredictStream_ServerStops_AnswersWhatItReadAndSaysUnavailable()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Client.Raw.PredictStream();
        await call.RequestStream.WriteAsync(Request("a", "text"));
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(TestServer.Patience));
        Assert.Equal("a", call.ResponseStream.Current.Id);

        var stopping = server.Host.StopAsync();
        var fault = await Assert.ThrowsAsync<RpcException>(
            () => call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(TestServer.Patience));

        // Where the connection closes before the client has read the status, it says Internal.
        Assert.True(fault.StatusCode is StatusCode.Unavailable or StatusCode.Internal, fault.ToString());
        await stopping.WaitAsync(TestServer.Patience);
    }

    private static PredictStreamRequest Request(string id, string text) =>
        new() { Id = id, Request = new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = text } } } };

    private static async Task<List<PredictStreamResponse>> CollectAsync(TestServer server, IEnumerable<PredictStreamRequest> requests)
    {
        using var patience = new CancellationTokenSource(TestServer.Patience);
        var answers = new List<PredictStreamResponse>();
        await foreach (var answer in server.Client.PredictStreamAsync(requests.ToAsyncEnumerable(), patience.Token)) answers.Add(answer);
        return answers;
    }
}
