using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using DistillOnnx.Server.Tests.Fakes;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;

namespace DistillOnnx.Server.Tests.Services;

public sealed class PredictTests
{
    [Fact]
    public async Task Predict_OneText_AnswersLabelAndProbabilities()
    {
        await using var server = await TestServer.StartAsync();

        var answer = await server.Client.PredictAsync("nli", "a man sleeps").WaitAsync(TestServer.Patience);

        var expected = server.Predictor.Answer("a man sleeps");
        Assert.Equal(expected.Label, answer.Label);
        Assert.Equal(expected.Probability, answer.Probability);
        Assert.Equal(expected.Probabilities!, answer.Probabilities);
        Assert.Equal(FakePredictor.Labels, answer.Labels);
        Assert.Equal(4, answer.InputTokens);
    }

    [Fact]
    public async Task Predict_Batch_AnswersInOrderWithModelAndVersion()
    {
        await using var server = await TestServer.StartAsync();
        string[] texts = [.. Enumerable.Range(0, 100).Select(i => string.Join(' ', Enumerable.Repeat($"w{i}", 1 + i * 7 % 31)))];
        var request = new PredictRequest { Model = "nli" };
        request.Inputs.AddRange(texts.Select(t => new PredictionInput { Text = t }));

        var response = await server.Client.PredictAsync(request).WaitAsync(TestServer.Patience);

        Assert.Equal(("nli", "1"), (response.Model, response.Version));
        Assert.Equal(texts.Select(t => server.Predictor.Answer(t).Label), response.Predictions.Select(p => p.Label));
        Assert.Equal(texts.Select(t => server.Predictor.Answer(t).Probability), response.Predictions.Select(p => (double?)p.Probability));
        Assert.True(response.Timings.TotalMs >= response.Timings.InferenceMs);
    }

    [Theory]
    [InlineData("nli", "", StatusCode.InvalidArgument, "inputs[0].text")]
    [InlineData("nli", "  ", StatusCode.InvalidArgument, "inputs[0].text")]
    [InlineData("other", "a text", StatusCode.NotFound, "other")]
    public async Task Predict_BadRequest_NamesFieldOrModel(string model, string text, StatusCode code, string named)
    {
        await using var server = await TestServer.StartAsync();

        var fault = await Assert.ThrowsAsync<RpcException>(() => server.Client.PredictAsync(model, text).WaitAsync(TestServer.Patience));

        Assert.Equal(code, fault.StatusCode);
        Assert.Contains(named, fault.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Predict_JsonOnTheSamePort_AnswersInEitherHttpVersion(string version)
    {
        await using var server = await TestServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/models/nli:predict")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = JsonContent.Create(new { inputs = new[] { new { text = "a man sleeps" } } }),
        };

        using var response = await server.Http.SendAsync(request);

        var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Version.Parse(version), response.Version);
        Assert.Equal(server.Predictor.Answer("a man sleeps").Label, body.GetProperty("predictions")[0].GetProperty("label").GetString());
    }

    [Fact]
    public async Task Predict_JsonWithABadInput_IsBadRequestAndNamesTheField()
    {
        await using var server = await TestServer.StartAsync();

        using var response = await server.Http.PostAsJsonAsync("/v1/models/nli:predict", new { inputs = new[] { new { text = "" } } });

        var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith("inputs[0].text", body.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("inputs[0].text", body.GetProperty("details")[0].GetProperty("fieldViolations")[0].GetProperty("field").GetString());
    }

    [Fact]
    public async Task Health_ModelServed_SaysServing()
    {
        await using var server = await TestServer.StartAsync();
        var health = new Health.HealthClient(server.Channel);

        Assert.Equal(
            HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest(), deadline: Soon())).Status);
        Assert.Equal(
            HealthCheckResponse.Types.ServingStatus.Serving,
            (await health.CheckAsync(new HealthCheckRequest { Service = "nli" }, deadline: Soon())).Status);
        var unknown = await Assert.ThrowsAsync<RpcException>(
            async () => await health.CheckAsync(new HealthCheckRequest { Service = "other" }, deadline: Soon()));
        Assert.Equal(StatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task Reflection_ListServices_NamesThePredictionService()
    {
        await using var server = await TestServer.StartAsync();
        using var call = new ServerReflection.ServerReflectionClient(server.Channel).ServerReflectionInfo(deadline: Soon());

        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Contains("distillonnx.v1.PredictionService", call.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name));
    }

    private static DateTime Soon() => DateTime.UtcNow + TestServer.Patience;
}
