using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Export;
using DistillOnnx.Stages.Options;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Prediction;
using DistillOnnx.Toolchain.Selection;

namespace DistillOnnx.Toolchain.Tests.Selection;

public sealed class SelectStageTests(SelectionFixture fixture) : IClassFixture<SelectionFixture>, IDisposable
{
    private static readonly InferenceOptions OneThread = new() { Device = "cpu", Threads = 1 };
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(SelectionRule.Uncertainty, true)]
    [InlineData(SelectionRule.Uncertainty, false)]
    [InlineData(SelectionRule.Coverage, true)]
    [InlineData(SelectionRule.Coverage, false)]
    [InlineData(SelectionRule.Both, true)]
    [InlineData(SelectionRule.Both, false)]
    public async Task RunAsync_EachRule_TakesTheRowsThatASearchOverAllRowsFinds(SelectionRule rule, bool bundle)
    {
        var rows = SelectionFixture.Rows(130);
        SelectionFixture.Write(_directory["pool"], rows);
        SelectionFixture.Write(_directory["old"], [.. rows.Take(10), new Example { Id = "x", Input = "not in the pool" }]);
        var options = Options(bundle ? fixture.Bundle : fixture.Checkpoint, rule, 8) with { Annotated = [_directory["old"]] };

        var result = await SelectStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);

        using var predictor = PredictorFactory.Open(options.Model, OneThread, Reporter.None);
        var old = rows.Take(10).Select(r => r.Input).Append("not in the pool").ToHashSet();
        var left = rows.Where(r => !old.Contains(r.Input)).DistinctBy(r => r.Input).ToList();
        var unsure = left.ToDictionary(r => r.Id, r => 1 - Margin(predictor.Predict([new PredictorInput(r.Input)])[0].Probabilities!));
        var taken = Dataset.Open(options.Out).Load(SplitNames.Train, LabelNeed.None).Select(r => r.Id).ToList();
        Assert.Equal((130, 12, 10), (result.Rows, result.Repeated, result.Annotated));
        Assert.Equal(8, taken.Distinct().Count());
        Assert.Equal(rule == SelectionRule.Uncertainty ? null : 11, result.Centers);
        var expected = rule == SelectionRule.Uncertainty
            ? left.OrderByDescending(r => unsure[r.Id]).Take(8).Select(r => r.Id)
            : Farthest((IEmbedder)predictor, left, old, rule == SelectionRule.Both ? unsure : null, 8);
        Assert.Equal(expected, taken);
        Assert.Equal(["held out"], Dataset.Open(options.Out).Load(SplitNames.Test).Select(r => r.Input));
        var reasons = File.ReadAllLines(Path.Combine(options.Out, "selection.jsonl")).Select(l => JsonNode.Parse(l)!).ToList();
        Assert.Equal(taken, reasons.Select(r => (string)r["id"]!));
        Assert.All(reasons, r => Assert.Contains((string)r["answer"]!, SelectionFixture.Task.Labels!));
        Assert.Equal(rule != SelectionRule.Uncertainty, reasons[3]["nearest"] is not null && (int)reasons[3]["covers"]! > 0);
        Assert.False(File.Exists(ScoreLog.PathFor(options.Out)));
    }

    [Fact]
    public async Task RunAsync_LabelsOfAPool_AreNotReadAndStayWhereTheyFit()
    {
        SelectionFixture.Write(_directory["pool"], [new Example { Id = "a", Input = "first", Label = "no" }]);
        File.AppendAllLines(
            _directory["pool/train.jsonl"],
            [
                """{"id":"b","input":"second","label":"elsewhere","teacher_label":"yes"}""",
                """{"id":"c","input":"third","label":"maybe","teacher_label":"elsewhere"}""",
            ]);

        await SelectStage.RunAsync(Options("", SelectionRule.Random, 3), Reporter.None, TestContext.Current.CancellationToken);

        var rows = Dataset.Open(_directory["selected"]).Load(SplitNames.Train, LabelNeed.None).OrderBy(r => r.Id);
        Assert.Equal([("a", "no", null), ("b", null, "yes"), ("c", "maybe", null)], rows.Select(r => (r.Id, r.Label, r.TeacherLabel)));
    }

    [Fact]
    public async Task RunAsync_Random_IsTheSameWhateverTheOrderOfThePoolAndTheStudent()
    {
        var rows = SelectionFixture.Rows(300).DistinctBy(r => r.Input).ToList();
        SelectionFixture.Write(_directory["pool"], rows);
        SelectionFixture.Write(_directory["turned"], Enumerable.Reverse(rows));
        async Task<List<string>> Take(string data, int count, long seed)
        {
            var options = Options("", SelectionRule.Random, count) with { Data = _directory[data], Seed = seed, Overwrite = true };
            await SelectStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
            return [.. Dataset.Open(options.Out).Load(SplitNames.Train, LabelNeed.None).Select(r => r.Id)];
        }

        var first = await Take("pool", 20, 1);

        Assert.Equal(first, await Take("turned", 20, 1));
        Assert.Equal(first, (await Take("pool", 40, 1)).Take(20));
        Assert.NotEqual(first, await Take("pool", 20, 2));
    }

    [Theory]
    [InlineData(SelectionRule.Uncertainty)]
    [InlineData(SelectionRule.Both)]
    public void Run_OtherBatchesAndThreads_TakesTheSameRows(SelectionRule rule)
    {
        SelectionFixture.Write(_directory["pool"], SelectionFixture.Rows(300));
        var options = Options(fixture.Bundle, rule, 12);
        IEnumerable<string> Take(int batch, int threads)
        {
            using var predictor = PredictorFactory.Open(options.Model, OneThread with { Threads = threads }, Reporter.None);
            using var log = ScoreLog.Open(_directory[$"{batch}-{threads}"], "x", batch);
            var (rows, _) = new Selector(options, Pool.Open(options), predictor, Reporter.None) { Batch = batch }
                .Run(log, TestContext.Current.CancellationToken);
            return [.. rows.Select(r => r.Example.Id)];
        }

        var expected = Take(256, 1);

        Assert.Equal(expected, Take(7, 1));
        Assert.Equal(expected, Take(64, 2));
    }

    [Fact]
    public async Task RunAsync_InterruptedAndStartedAgain_GoesOnAndWritesTheSameFiles()
    {
        SelectionFixture.Write(_directory["pool"], SelectionFixture.Rows(900));
        var whole = Options(fixture.Bundle, SelectionRule.Both, 20) with { Out = _directory["whole"] };
        await SelectStage.RunAsync(whole, Reporter.None, TestContext.Current.CancellationToken);
        var options = whole with { Out = _directory["out"] };
        using var source = new CancellationTokenSource();

        var stopped = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => SelectStage.RunAsync(options, new StopAt(512, source), source.Token));
        File.AppendAllText(ScoreLog.PathFor(options.Out), "torn");
        var log = new StopAt(-1, source);
        await SelectStage.RunAsync(options, log, TestContext.Current.CancellationToken);

        Assert.Contains("goes on where it stopped", stopped.Message);
        Assert.Contains("512 rows have been looked at by an earlier run", log.Messages);
        foreach (var name in new[] { "train.jsonl", "selection.jsonl" })
            Assert.Equal(File.ReadAllText(Path.Combine(whole.Out, name)), File.ReadAllText(Path.Combine(options.Out, name)));
        Assert.False(File.Exists(ScoreLog.PathFor(options.Out)));
    }

    [Fact]
    public async Task RunAsync_WhatCannotBe_IsRefusedInOneLine()
    {
        SelectionFixture.Write(_directory["pool"], SelectionFixture.Rows(20));
        var open = new TaskSpec { Name = "open", Kind = TaskKind.Text };
        SelectionFixture.Write(_directory["open"], SelectionFixture.Rows(20), open);
        BundleExporter.Export(
            new BundleExportOptions { Model = fixture.Checkpoint, Out = _directory["labels"], Graphs = GraphSet.Label }, Reporter.None);
        var options = Options(fixture.Bundle, SelectionRule.Uncertainty, 5);
        async Task<string> Fault(SelectOptions o) => (await Assert.ThrowsAsync<InputException>(
            () => SelectStage.RunAsync(o, Reporter.None, TestContext.Current.CancellationToken))).Message;

        Assert.Contains("open answers, which have no probabilities", await Fault(options with { Data = _directory["open"] }));
        Assert.Contains(
            "need a bundle exported with --graphs all",
            await Fault(options with { Model = _directory["labels"], Selection = new() { By = SelectionRule.Coverage } }));
        Assert.Contains("--model is missing", await Fault(options with { Model = "" }));
        Assert.Contains("at least the 5 rows", await Fault(options with { Selection = new() { Shortlist = 4 } }));
        Assert.Contains(
            "--shortlist goes with", await Fault(options with { Selection = new() { By = SelectionRule.Random, Shortlist = 9 } }));
        Assert.Contains(
            "--measure goes with",
            await Fault(options with { Selection = new() { By = SelectionRule.Coverage, Measure = UncertaintyMeasure.Entropy } }));
        Assert.Contains(
            "none of 20 rows of train is left to take", await Fault(options with { Annotated = [_directory["pool"]] }));
        Assert.False(Directory.Exists(options.Out));
    }

    [Fact]
    public async Task RunAsync_MoreRowsThanThereAre_TakesAllAndWarns()
    {
        SelectionFixture.Write(_directory["pool"], SelectionFixture.Rows(20));
        var log = new StopAt(-1, new CancellationTokenSource());

        var result = await SelectStage.RunAsync(
            Options(fixture.Bundle, SelectionRule.Both, 50), log, TestContext.Current.CancellationToken);

        Assert.Equal(18, result.Selected);
        Assert.Contains(log.Messages, m => m.EndsWith("50 rows were asked for, and there are 18 to take", StringComparison.Ordinal));
    }

    private static double Margin(IReadOnlyList<double> p) => p.OrderDescending().First() - p.OrderDescending().ElementAt(1);

    private static List<string> Farthest(
        IEmbedder embedder, List<Example> left, IEnumerable<string> centers, Dictionary<string, double>? weights, int count)
    {
        double[] State(string text)
        {
            var state = embedder.Embed([new PredictorInput(text)])[0];
            var length = Math.Sqrt(state.Sum(v => (double)v * v));
            return [.. state.Select(v => v / length)];
        }

        var states = left.ToDictionary(r => r.Id, r => State(r.Input));
        var taken = centers.Select(State).ToList();
        var picks = new List<string>();
        while (picks.Count < count)
        {
            var best = left.Where(r => !picks.Contains(r.Id)).MaxBy(r => (weights?[r.Id] ?? 1)
                * taken.Min(t => Math.Sqrt(t.Zip(states[r.Id]).Sum(p => Math.Pow(p.First - p.Second, 2)))))!;
            picks.Add(best.Id);
            taken.Add(states[best.Id]);
        }

        return picks;
    }

    private SelectOptions Options(string model, SelectionRule rule, int count) => new()
    {
        Data = _directory["pool"],
        Model = model,
        Count = count,
        Selection = new() { By = rule },
        Out = _directory["selected"],
        Inference = OneThread,
    };

    /// <summary>Keeps messages, and cancels when so many rows are reported.</summary>
    private sealed class StopAt(long rows, CancellationTokenSource source) : IReporter
    {
        public List<string> Messages { get; } = [];

        public void Progress(string stage, long done, long? total, string? detail = null)
        {
            if (done == rows) source.Cancel();
        }

        public void Info(string message) => Messages.Add(message);

        public void Warn(string message) => Messages.Add(message);
    }
}
