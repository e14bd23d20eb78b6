using DistillOnnx.Core;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using Microsoft.Extensions.DependencyInjection;

namespace DistillOnnx.Server.Tests.Models;

/// <summary>By which names bundles are served.</summary>
public sealed class ModelLifecycleTests
{
    [Theory]
    [InlineData("nli")]
    [InlineData("e-SNLI_2.1")]
    [InlineData("e-SNLI 2")]
    [InlineData("日本語")]
    public async Task LoadNamed_NoNameGiven_ServesByTheNameOfTheTask(string task)
    {
        using var bundle = new TemporaryDirectory();
        using var predictor = Predictor(task);
        await using var host = await StartAsync(bundle.Path, predictor);

        Assert.Equal([task], host.Services.GetRequiredService<ModelCatalog>().Models.Keys);
    }

    [Theory]
    [InlineData("../escaped/tiny", "\"../escaped/tiny\"")]
    [InlineData("/tmp/tiny", "\"/tmp/tiny\"")]
    [InlineData("team/tickets", "\"team/tickets\"")]
    [InlineData("..", "\"..\"")]
    [InlineData("two\nlines", "\"two\\nlines\"")]
    public async Task LoadNamed_TaskWhoseNameCannotNameAModel_IsRefusedUnlessOneIsGiven(string task, string shown)
    {
        using var bundle = new TemporaryDirectory();
        using var predictor = Predictor(task);

        var fault = await Assert.ThrowsAsync<InputException>(() => StartAsync(bundle.Path, predictor));
        using var other = Predictor(task);
        await using var host = await StartAsync($"given={bundle.Path}", other);

        Assert.StartsWith(
            $"{bundle.Path}: the name of its task, {shown}, cannot name what is served", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith($"name it with --model NAME={bundle.Path}", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
        Assert.True(predictor.Disposed);
        Assert.Equal(["given"], host.Services.GetRequiredService<ModelCatalog>().Models.Keys);
    }

    private static FakePredictor Predictor(string task) => new() { Task = new FakePredictor().Task with { Name = task } };

    private static Task<ServerHost> StartAsync(string model, FakePredictor predictor) => ServerHost.StartAsync(
        new ServerOptions { Model = [model], Urls = ["http://127.0.0.1:0"] },
        new FakeLoader(_ => new LoadedModel(predictor, "1")),
        CancellationToken.None).WaitAsync(TestServer.Patience);
}
