using System.Net;
using System.Net.Http.Json;
using DistillOnnx.Server.Tests.Fakes;
using Google.Rpc;
using Grpc.Core;

namespace DistillOnnx.Server.Tests.Services;

public sealed class LimitsTests
{
    [Fact]
    public async Task Predict_FullQueue_AnswersResourceExhaustedWithRetryHint()
    {
        using var gate = new Gate();
        await using var server = await TestServer.StartAsync(new FakePredictor(), o => o with { QueueRows = 2, RequestRows = 2 });
        server.Predictor.OnBatch = gate.Hold();
        var running = Predict(server, "one");
        await gate.Entered;
        var waiting = Predict(server, "two", "three");
        await WaitForQueueAsync(server, 2);

        var fault = await Assert.ThrowsAsync<RpcException>(() => Predict(server, "four"));
        using var json = await server.Http.PostAsJsonAsync("/v1/models/nli:predict", new { inputs = new[] { new { text = "five" } } });

        Assert.Equal(StatusCode.ResourceExhausted, fault.StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, json.StatusCode);
        Assert.NotNull(fault.Detail<RetryInfo>());
        Assert.True(int.Parse(fault.Trailers.GetValue("grpc-retry-pushback-ms")!, System.Globalization.CultureInfo.InvariantCulture) > 0);
        gate.Open();
        Assert.Equal(2, (await waiting).Predictions.Count);
        await running;
    }

    [Fact]
    public async Task Predict_DeadlineWhileWaiting_IsDeadlineExceededAndNeverRuns()
    {
        using var gate = new Gate();
        var ran = new List<string>();
        await using var server = await TestServer.StartAsync();
        server.Predictor.OnBatch = gate.Hold(texts => ran.AddRange(texts));
        var running = Predict(server, "one");
        await gate.Entered;

        var request = new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = "two" } } };
        var fault = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Client.Raw.PredictAsync(request, deadline: DateTime.UtcNow.AddMilliseconds(200)));
        await WaitForQueueAsync(server, 0);
        gate.Open();
        await running;
        await Predict(server, "three");

        Assert.Equal(StatusCode.DeadlineExceeded, fault.StatusCode);
        Assert.Equal(["one", "three"], ran);
    }

    [Fact]
    public async Task Predict_TooManyRowsCharactersOrTokens_IsInvalidAndNamed()
    {
        var predictor = new FakePredictor
        {
            Task = new Core.Tasks.TaskSpec { Name = "nli", Kind = Core.Tasks.TaskKind.Labels, Labels = FakePredictor.Labels },
        };
        await using var server = await TestServer.StartAsync(
            predictor, o => o with { RequestRows = 2, RequestCharacters = 100, RequestTokens = 10 });

        var faults = new[]
        {
            await Assert.ThrowsAsync<RpcException>(() => Predict(server, "a", "b", "c")),
            await Assert.ThrowsAsync<RpcException>(() => Predict(server, "a", new string('x', 101))),
            await Assert.ThrowsAsync<RpcException>(() => Predict(server, string.Join(' ', Enumerable.Repeat("a", 20)))),
        };

        Assert.All(faults, f => Assert.Equal(StatusCode.InvalidArgument, f.StatusCode));
        Assert.Equal(["inputs", "inputs[1].text", "inputs[0].text"], faults.Select(f => f.Detail<BadRequest>().FieldViolations[0].Field));
    }

    [Fact]
    public async Task Predict_ChoicesOfTooManyCharacters_AreInvalidAndNamed()
    {
        var predictor = new FakePredictor { Task = new Core.Tasks.TaskSpec { Name = "cqa", Kind = Core.Tasks.TaskKind.Choices } };
        await using var server = await TestServer.StartAsync(predictor, o => o with { RequestCharacters = 100 });
        PredictRequest Request(int length)
        {
            var request = new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = "a", Choices = { "b", "c" } } } };
            request.Inputs.Add(new PredictionInput { Text = "a", Choices = { new string('x', length), new string('y', 50) } });
            return request;
        }

        var deadline = DateTime.UtcNow + TestServer.Patience;
        var answer = await server.Client.Raw.PredictAsync(Request(50), deadline: deadline);
        var fault = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Client.Raw.PredictAsync(Request(51), deadline: deadline));

        Assert.Equal(2, answer.Predictions.Count);
        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        Assert.Equal("inputs[1].choices: expected at most 100 characters together, found 101", fault.Status.Detail);
    }

    [Fact]
    public async Task Predict_MessageTooLarge_IsResourceExhaustedAndTheServerLives()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { MessageBytes = 10_000 });

        var fault = await Assert.ThrowsAsync<RpcException>(() => server.Client.Raw.PredictAsync(
            new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = new string('x', 20_000) } } },
            deadline: DateTime.UtcNow + TestServer.Patience).ResponseAsync);

        Assert.Equal(StatusCode.ResourceExhausted, fault.StatusCode);
        Assert.Null(fault.Trailers.GetValueBytes("grpc-status-details-bin"));
        Assert.Single((await Predict(server, "one")).Predictions);
    }

    [Fact]
    public async Task Predict_PartialWithOneBadRow_AnswersTheOthers()
    {
        await using var server = await TestServer.StartAsync(new FakePredictor { Poison = "poison" });
        var request = new PredictRequest { Model = "nli", Partial = true, Raw = true };
        request.Inputs.AddRange(new[] { "good", "", "poison", "fine" }.Select(t => new PredictionInput { Text = t }));

        var response = await server.Client.PredictAsync(request).WaitAsync(TestServer.Patience);

        Assert.Equal(
            [0, (int)StatusCode.InvalidArgument, (int)StatusCode.Internal, 0], response.Predictions.Select(p => p.Error?.Code ?? 0));
        Assert.Equal(server.Predictor.Answer("fine").Label, response.Predictions[3].Label);
        Assert.Equal(server.Predictor.Answer("fine").RawLogProbabilities!, response.Predictions[3].RawLogProbabilities);
        Assert.DoesNotContain("poison", response.Predictions[2].Error!.Message, StringComparison.Ordinal);
    }

    private static Task<PredictResponse> Predict(TestServer server, params string[] texts)
    {
        var request = new PredictRequest { Model = "nli" };
        request.Inputs.AddRange(texts.Select(t => new PredictionInput { Text = t }));
        return server.Client.Raw.PredictAsync(request, deadline: DateTime.UtcNow + TestServer.Patience).ResponseAsync;
    }

    private static async Task WaitForQueueAsync(TestServer server, int rows)
    {
        await Wait.UntilAsync(() => server.Model.Batcher.QueuedRows == rows);
    }
}
