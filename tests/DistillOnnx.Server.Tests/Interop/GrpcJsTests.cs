using System.Text.Json;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Server.Tests.Interop;

/// <summary>A client that shares no code with the server. Needs npm, and a registry that has gRPC for it.</summary>
public sealed class GrpcJsTests
{
    [Fact]
    public async Task ModelInfer_FromGrpcJs_GivesTheInProcessAnswers()
    {
        using var directory = new TemporaryDirectory();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests/DistillOnnx.Server.Tests/Interop/grpc-js")))
            File.Copy(file, directory[Path.GetFileName(file)]);
        var installed = await Programs.RunAsync(
            "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], directory.Path);
        Assert.SkipUnless(
            installed?.Code == 0,
            "npm is not here, or cannot install @grpc/grpc-js");
        await using var server = await TestServer.StartAsync();
        string[] texts = ["a man sleeps", "größe 大小"];

        var run = await Programs.RunAsync(
            "node",
            [
                "client.js", Path.Combine(Repository.Root, "protos/open_inference_grpc.proto"), new Uri(server.Address).Authority, "nli",
                .. texts,
            ],
            directory.Path);

        Assert.True(run is { Code: 0 }, run?.Error);
        var answer = JsonDocument.Parse(run!.Output).RootElement;
        Assert.True(answer.GetProperty("ready").GetBoolean());
        Assert.Equal(
            texts.Select(t => server.Predictor.Answer(t).Label), answer.GetProperty("labels").EnumerateArray().Select(l => l.GetString()!));
        Assert.Equal(
            texts.SelectMany(t => server.Predictor.Answer(t).Probabilities!).Select(p => (float)p),
            answer.GetProperty("probabilities").EnumerateArray().Select(p => (float)p.GetDouble()));
        Assert.Equal(5, answer.GetProperty("missing").GetInt32());
    }

    [Fact]
    public async Task Predict_FromCurlAsJson_GivesTheInProcessAnswer()
    {
        await using var server = await TestServer.StartAsync();
        using var directory = new TemporaryDirectory();

        var run = await Programs.RunAsync(
            "curl",
            [
                "-sS", "-m", "20", "-d", """{"inputs":[{"text":"a man sleeps"}]}""", "-H", "content-type: application/json",
                server.Address + "/v1/models/nli:predict",
            ],
            directory.Path);
        Assert.SkipWhen(run is null, "curl is not here");

        Assert.True(run!.Code == 0, run.Error);
        var prediction = JsonDocument.Parse(run.Output).RootElement.GetProperty("predictions")[0];
        Assert.Equal(server.Predictor.Answer("a man sleeps").Label, prediction.GetProperty("label").GetString());
    }
}
