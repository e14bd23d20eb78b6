using System.Globalization;
using System.Text.Json;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

public sealed class KillAndResumeTests : IDisposable
{
    private const int Kills = 5;
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Run_KilledAtRandomMomentsWithFaults_DoesEveryRowOnceAndPaysOnce()
    {
        // 10,000 rows are what the figures are quoted for; a tenth shows the same.
        var rows = int.Parse(Environment.GetEnvironmentVariable("DISTILLONNX_TEACHER_ROWS") ?? "1000", CultureInfo.InvariantCulture);
        TestData.Write(_directory["data"], rows);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right, faultRate: 0.2);
        var options = TestData.Options(_directory["data"], endpoint.Spec, _directory["out"]) with
        {
            Concurrency = 64,
            Timeout = 0.5,
            Retries = 30,
        };
        var random = new Random(7);
        for (var kill = 0; kill < Kills; kill++)
        {
            using var child = ChildProcess.Start(options);
            // Each round lives until a random part of what is left is done, and is then killed without warning.
            var target = endpoint.Charged.Count + (int)((rows - endpoint.Charged.Count) * random.NextDouble() * 0.5);
            while (endpoint.Charged.Count <= target && !child.HasExited) await Task.Delay(1);
            Assert.False(child.HasExited, "the child ended before it was killed");
            child.Kill();
            await child.WaitForExitAsync();
        }

        var result = await Annotator.RunAsync(options, Reporter.None);
        Assert.True(result.Complete);
        Assert.Equal(rows, result.Splits!["train"].Kept);
        Assert.Equal(1, result.Splits["train"].TeacherAccuracy);

        // Every row once, in order, and the ledger is the endpoint's own.
        var written = Dataset.Open(options.Out).Load("train");
        Assert.Equal(Enumerable.Range(0, rows).Select(i => $"train-{i}"), written.Select(r => r.Id));
        Assert.Equal(rows, endpoint.Charged.Count);
        Assert.Equal(endpoint.Charged.Values.Sum(c => (long)c.Input), result.InputTokens);
        Assert.Equal(endpoint.Charged.Values.Sum(c => (long)c.Output), result.OutputTokens);

        // What reached the journal was never asked for again: only answers on their way when a process was killed were, under
        // the key that lets an endpoint know them.
        var keys = File.ReadLines(Path.Combine(options.Out
            + ".journal", Journal.FileName)).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("key").GetString()).ToList();
        Assert.Equal(rows, keys.Count);
        Assert.Equal(rows, keys.Distinct().Count());
        Assert.InRange(endpoint.Repeated.Count, 0, Kills * options.Concurrency);
    }

    [Fact]
    public async Task Run_Again_AsksNothing()
    {
        TestData.Write(_directory["data"], 40, 10);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right);
        var options = TestData.Options(_directory["data"], endpoint.Spec, _directory["out"]);
        var first = await Annotator.RunAsync(options, Reporter.None);
        Assert.Equal(50, first.Requests);
        var bytes = File.ReadAllBytes(_directory["out/train.jsonl"]);
        var second = await Annotator.RunAsync(options with { Overwrite = true }, Reporter.None);
        Assert.Equal(0, second.Requests);
        Assert.Equal(first.InputTokens, second.InputTokens);
        Assert.Equal(50, endpoint.Calls["/v1/chat/completions"]);
        Assert.Equal(bytes, File.ReadAllBytes(_directory["out/train.jsonl"]));
    }

    [Fact]
    public async Task Run_EqualRows_ArePaidForOnce()
    {
        using (var writer = DatasetWriter.Create(_directory["data"], TestData.Task))
        {
            for (var i = 0; i < 30; i++) writer.Write("train", TestData.Row("train", 4) with { Id = $"{i}" });
            writer.Commit();
        }

        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right, latency: TimeSpan.FromMilliseconds(50));
        var result = await Annotator.RunAsync(TestData.Options(_directory["data"], endpoint.Spec, _directory["out"]), Reporter.None);
        Assert.Equal(30, result.Splits!["train"].Kept);
        Assert.Single(endpoint.Charged);
        Assert.Empty(endpoint.Repeated);
    }

    [Fact]
    public async Task Run_Interrupted_KeepsWhatCame()
    {
        TestData.Write(_directory["data"], 200);
        await using var endpoint = await FakeEndpoint.StartAsync(TestData.Right, latency: TimeSpan.FromMilliseconds(20));
        var options = TestData.Options(_directory["data"], endpoint.Spec, _directory["out"]);
        using var interrupt = new CancellationTokenSource();
        var run = Annotator.RunAsync(options, Reporter.None, interrupt.Token);
        while (endpoint.Charged.Count < 50) await Task.Delay(1);
        await interrupt.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.False(Directory.Exists(options.Out));
        await using (var journal = Journal.Open(options.Out + ".journal")) Assert.Equal(endpoint.Charged.Count, journal.Count);
        Assert.InRange(endpoint.Charged.Count, 50, 199);
        await Annotator.RunAsync(options, Reporter.None);
        Assert.Equal(200, endpoint.Charged.Count);
        Assert.Empty(endpoint.Repeated);
    }

    public void Dispose() => _directory.Dispose();
}
