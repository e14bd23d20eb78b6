using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Hosting;
using DistillOnnx.Server.Tests.Fakes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace DistillOnnx.Server.Tests.Injection;

/// <summary>A bundle among a program's own services.</summary>
public sealed class PredictorInjectionTests : IDisposable
{
    private const double Rounding = 1e-4;

    private readonly RealBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task PredictAsync_ManyCallsAtOnce_AnswersEachAsTheBundleDoes()
    {
        using var host = Build(o => o.Bundle = _bundles.Directory(0));
        await host.StartAsync(TestContext.Current.CancellationToken);
        var predictor = host.Services.GetRequiredService<IPredictor>();
        string[] texts = [.. Enumerable.Range(0, 40).Select(i => $"text {i} {new string((char)('a' + (i % 26)), 1 + (i % 9))}")];

        var answers = await Task.WhenAll(
            texts.Select(t => predictor.PredictAsync([new PredictorInput(t)], TestContext.Current.CancellationToken)))
            .WaitAsync(TestServer.Patience, TestContext.Current.CancellationToken);

        for (var i = 0; i < texts.Length; i++)
        {
            var expected = _bundles.Answer(0, texts[i]);
            var found = Assert.Single(answers[i]);
            Assert.Equal(expected.Label, found.Label);
            for (var label = 0; label < expected.Probabilities!.Count; label++)
                Assert.Equal(expected.Probabilities[label], found.Probabilities![label], Rounding);
        }

        Assert.Same(predictor, host.Services.GetRequiredService<IPredictor>());
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task PredictAsync_BadInputOrCancelled_SaysSo()
    {
        using var host = Build(o => o.Bundle = _bundles.Directory(0));
        var predictor = host.Services.GetRequiredService<IPredictor>();

        var fault = await Assert.ThrowsAsync<InputException>(
            () => predictor.PredictAsync([new("good"), new("")], TestContext.Current.CancellationToken));
        Assert.Equal("input 2: text: expected a text, found an empty one", fault.Message);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => predictor.PredictAsync([new("text")], new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task PredictAsync_CallsUpToTheLimitOfTheQueue_AreTaken()
    {
        using var host = Build(o =>
        {
            o.Bundle = _bundles.Directory(0);
            o.QueueRows = 64;
            o.BatchRows = 64;

            // Nothing leaves the queue before it is full.
            o.BatchTokens = 1 << 20;
            o.BatchWait = TimeSpan.FromMinutes(1);
        });
        var predictor = host.Services.GetRequiredService<IPredictor>();
        PredictorInput[] inputs = [.. Enumerable.Range(0, 8).Select(i => new PredictorInput($"text {i}"))];

        var calls = Enumerable.Range(0, 8).Select(_ => predictor.PredictAsync(inputs, TestContext.Current.CancellationToken)).ToArray();
        var answers = await Task.WhenAll(calls).WaitAsync(TestServer.Patience, TestContext.Current.CancellationToken);

        Assert.All(answers, a => Assert.Equal(8, a.Count));
    }

    [Fact]
    public async Task PredictAsync_MoreRowsThanMayWait_IsRefusedWithTheLimit()
    {
        using var host = Build(o =>
        {
            o.Bundle = _bundles.Directory(0);
            o.QueueRows = 2;
        });
        var predictor = host.Services.GetRequiredService<IPredictor>();

        var fault = await Assert.ThrowsAsync<ArgumentException>(
            () => predictor.PredictAsync([new("a"), new("b"), new("c")], TestContext.Current.CancellationToken));

        Assert.StartsWith("3 inputs in one call, more than QueueRows (2)", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_ModelAnswers_IsHealthy()
    {
        using var host = Build(o => o.Bundle = _bundles.Directory(0));

        var report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HealthStatus.Healthy, report.Entries["distillonnx"].Status);
    }

    [Fact]
    public async Task Start_OptionsAtFault_EndsWithAllFaults()
    {
        using var host = Build(o =>
        {
            o.Bundle = "/no/such/bundle";
            o.QueueRows = 0;
        });

        var fault = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Contains("/no/such/bundle", fault.Message, StringComparison.Ordinal);
        Assert.Contains("QueueRows must be at least 1", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_DirectoryIsNoBundle_EndsTheStart()
    {
        using var empty = new TestSupport.TemporaryDirectory();
        using var host = Build(o => o.Bundle = empty.Path);

        await Assert.ThrowsAsync<InputException>(() => host.StartAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Options_OfTheConfiguration_AreRead()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["Student:Bundle"] = _bundles.Directory(0), ["Student:Runtime:Threads"] = "1" });
        builder.Services.AddDistillOnnx().AddOptions<DistillOnnxOptions>().BindConfiguration("Student");
        using var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, host.Services.GetRequiredService<IOptions<DistillOnnxOptions>>().Value.Runtime.Threads);
        Assert.NotEmpty(
            host.Services.GetRequiredService<IPredictor>().Predict([new("text")], TestContext.Current.CancellationToken)[0].Label);
    }

    private static IHost Build(Action<DistillOnnxOptions> configure)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddDistillOnnx(configure);
        return builder.Build();
    }
}
