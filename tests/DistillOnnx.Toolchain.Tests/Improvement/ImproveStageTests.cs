using System.Security.Cryptography;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.Teacher.Tests;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Improvement;
using DistillOnnx.Toolchain.Quickstart;
using DistillOnnx.Toolchain.World;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Toolchain.Tests.Improvement;

public sealed class ImproveStageTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public ImproveStageTests()
    {
        QuickstartDataset.Generate(_directory["scenes"], rows: 200, seed: 3);
        using var writer = DatasetWriter.Create(_directory["pool"], WorldRules.Task);
        var scenes = Dataset.Open(_directory["scenes"]);
        foreach (var (split, rows) in new[] { (SplitNames.Train, 200), (SplitNames.Validation, 30), (SplitNames.Test, 60) })
        {
            foreach (var row in scenes.Stream(split).Take(rows))
                writer.Write(split, split == SplitNames.Train ? row with { Label = null } : row);
        }

        writer.Commit();
        File.WriteAllText(
            _directory["shape.json"],
            """
            {"model_type":"t5","vocab_size":256,"d_model":16,"d_kv":8,"d_ff":32,"num_layers":1,"num_decoder_layers":1,"num_heads":2,
             "dropout_rate":0.1}
            """);
        File.WriteAllText(_directory["prices.json"], """{"models":{"test-model":{"input":10,"output":20}}}""");
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task RunAsync_KilledAtEveryBoundary_EndsInTheSameAndAsksNothingTwice()
    {
        await using var quiet = await FakeEndpoint.StartAsync(Answer);
        await using var endpoint = await FakeEndpoint.StartAsync(Answer);
        var steps = new List<string>();
        var whole = Options("whole", quiet);
        var expected = await ImproveStage.RunAsync(whole, Reporter.None, steps.Add, TestContext.Current.CancellationToken);
        var options = Options("killed", endpoint) with { Resume = true };
        var survived = new HashSet<string>();
        ImproveResult? result = null;
        for (var kills = 0; result is null; kills++)
        {
            try
            {
                result = await ImproveStage.RunAsync(
                    options, Reporter.None, step => _ = survived.Add(step) ? throw new KilledException() : true,
                    TestContext.Current.CancellationToken);
                Assert.Equal(steps.Distinct().Count(), kills);
            }
            catch (KilledException)
            {
                Assert.InRange(kills, 0, steps.Count);
            }
        }

        Assert.Equal(steps.Order(), survived.Order());
        Assert.Equal([SelectionRule.Random, SelectionRule.Both], result.Rounds.Select(r => r.By!.Value));
        Assert.Equal([24, 48], result.Rounds.Select(r => r.Calls));
        Assert.Equal((48, "rounds"), (result.Calls, result.Stopped));
        Assert.Equal((48, 48), (quiet.Charged.Count, endpoint.Charged.Count));
        Assert.Empty(endpoint.Repeated);
        Assert.Equal(File.ReadAllText(In(whole, "curve.csv")), File.ReadAllText(In(options, "curve.csv")));
        string[] files =
            ["selected/train.jsonl", "annotated/train.jsonl", "data/train.jsonl", "answers.jsonl", "checkpoint/model.safetensors"];
        foreach (var round in new[] { "001", "002" })
        {
            foreach (var file in files)
                Assert.Equal(Hash(In(whole, $"rounds/{round}/{file}")), Hash(In(options, $"rounds/{round}/{file}")));
        }

        Assert.Equal(Versions(whole), Versions(options));
        Assert.Equal(expected.Accuracy, result.Accuracy);
        Assert.True(new FileInfo(In(options, "curve.png")).Length > 1000);
        Assert.Contains("| 2 | both | 24 | 24 | 24 | 48 |", File.ReadAllText(In(options, "report.md")));
    }

    [Fact]
    public async Task RunAsync_Budget_StopsAndGoesOnWithMore()
    {
        await using var endpoint = await FakeEndpoint.StartAsync(Answer);
        var options = Options("out", endpoint) with { Prices = _directory["prices.json"], Budget = 0.035, Concurrency = 1, Rounds = 4 };

        var messages = new RecordedMessages();
        var first = await ImproveStage.RunAsync(options, messages, TestContext.Current.CancellationToken);
        var again = await ImproveStage.RunAsync(options with { Resume = true }, Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal("budget", first.Stopped);
        Assert.StartsWith("stopped: the budget is spent after round", messages.Messages[^1]);
        Assert.Contains("--resume with a larger --budget", messages.Messages[^1]);
        Assert.DoesNotContain(messages.Warnings, w => w.Contains("--overwrite"));
        Assert.True(first.Rounds[^1].Asked <= first.Rounds[^1].Selected);
        Assert.InRange(first.Calls, 25, 71);
        Assert.InRange(first.Cost!.Value, 0.001, 0.035);
        Assert.Equal((first.Calls, first.Cost, "budget"), (again.Calls, again.Cost, again.Stopped));
        Assert.Equal(first.Calls, endpoint.Charged.Count);

        var more = await ImproveStage.RunAsync(
            options with { Resume = true, Budget = 10, Rounds = first.Rounds.Count + 1 },
            Reporter.None,
            TestContext.Current.CancellationToken);

        Assert.Equal(("rounds", first.Calls + 24), (more.Stopped, more.Calls));
        Assert.Equal(more.Calls, endpoint.Charged.Count);
    }

    // After twenty unusable answers and no other ones a round asks no more.
    [Theory]
    [InlineData(12, 12, "annotated")]
    [InlineData(30, 20, "asked")]
    public async Task RunAsync_RoundThatGivesNothing_IsFinishedAndTheNextAsksAboutOtherRows(int count, int asked, string directory)
    {
        var usable = false;
        await using var endpoint = await FakeEndpoint.StartAsync(q => usable ? Answer(q) : "The scene is a scene.");
        var options = Options("out", endpoint) with { Rounds = 1, Count = count, Concurrency = 1 };
        Task<ImproveResult> Run(int rounds) => ImproveStage.RunAsync(
            options with { Resume = true, Rounds = rounds }, Reporter.None, TestContext.Current.CancellationToken);
        HashSet<string> Rows(string path) => [.. Dataset.Open(In(options, path))
            .Load(SplitNames.Train, LabelNeed.None).Select(r => r.Id)];

        var nothing = await Assert.ThrowsAsync<TeacherException>(() => Run(1));
        var charged = endpoint.Charged.Count;
        var again = await Assert.ThrowsAsync<TeacherException>(() => Run(1));

        Assert.Contains($"no row was kept: none of the teacher's answers to {asked} rows in 1 rounds", nothing.Message);
        Assert.Equal((nothing.Message, charged), (again.Message, endpoint.Charged.Count));
        Assert.Contains($"| 1 | random | {count} | {asked} | 0 |", File.ReadAllText(In(options, "report.md")));
        Assert.False(Directory.Exists(In(options, "rounds/001/data")));

        usable = true;
        var result = await Run(2);

        Assert.Equal([0L, count], result.Rounds.Select(r => r.Kept!.Value));
        Assert.Equal((null, count), (result.Rounds[0].Accuracy, result.Rounds[1].TrainRows));
        Assert.NotNull(result.Served);
        Assert.Equal(asked, Rows($"rounds/001/{directory}").Count);
        Assert.Empty(Rows($"rounds/001/{directory}").Intersect(Rows("rounds/002/selected")));
        Assert.Equal(charged + count, endpoint.Charged.Count);

        var curve = File.ReadAllText(In(options, "curve.csv"));
        var fewer = await Run(1);

        Assert.Equal([1, 2], fewer.Rounds.Select(r => r.Round));
        Assert.Equal((result.Served, result.Accuracy), (fewer.Served, fewer.Accuracy));
        Assert.Equal(curve, File.ReadAllText(In(options, "curve.csv")));
        using var other = new FileStream(In(options, "improve.lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Contains("another run has it", (await Assert.ThrowsAsync<InputException>(() => Run(3))).Message);
    }

    [Fact]
    public async Task RunAsync_RowsThatTheTeacherRefuses_EndOneRoundAlone()
    {
        using (var writer = DatasetWriter.Create(_directory["strange"], WorldRules.Task))
        {
            var pool = Dataset.Open(_directory["pool"]);
            for (var i = 0; i < 6; i++) writer.Write(SplitNames.Train, new Example { Id = $"s{i}", Input = $"What is {i}?" });
            foreach (var split in new[] { SplitNames.Validation, SplitNames.Test })
                foreach (var row in pool.Stream(split)) writer.Write(split, row);
            writer.Commit();
        }

        var options = Options("out", null) with { Data = _directory["strange"], Count = 4, Rounds = 5 };
        var fault = await Assert.ThrowsAsync<TeacherException>(
            () => ImproveStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken));

        Assert.Contains("6 rows in 2 rounds", fault.Message);
    }

    [Fact]
    public async Task RunAsync_FromWhatServes_ComparesWithItAndTakesTheCollectedInputs()
    {
        var start = Options("first", null) with { Rounds = 1, Teacher = "rules", ApiKey = null };
        await ImproveStage.RunAsync(start, Reporter.None, TestContext.Current.CancellationToken);
        Directory.CreateDirectory(_directory["collected"]);
        File.WriteAllText(
            _directory["collected/1.jsonl"],
            """
            {"id":"s1","input":"Mia sees a red dog in the garden at noon. Does Mia see an animal?","student_label":"no"}
            {"id":"s2","input":"Ben sees a red cat in the garden. Does Ben see an animal?","teacher_label":"yes","rationale":"It is."}
            """);
        var options = start with
        {
            Out = _directory["next"],
            Model = In(start, "rounds/001/bundle"),
            Student = In(start, "rounds/001/checkpoint"),
            Collected = _directory["collected"],
            Count = 201,
            Rounds = 2,
            VocabularySize = null,
        };
        Assert.Empty(options.Validate());
        var unused = (options with { VocabularySize = TrainOptions.DefaultVocabularySize }).Validate();
        Assert.Equal(["--vocabulary-size: no tokenizer is trained: --tokenizer or the student brings one"], unused);

        var result = await ImproveStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal([0, 1], result.Rounds.Select(r => r.Round));
        Assert.Equal("pool", result.Stopped);

        // As earlier versions wrote options that were not given, so that their rounds go on.
        var stamp = JsonNode.Parse(File.ReadAllText(In(options, "improve.json")))!["options"]!;
        Assert.Equal((10, 4000), ((double)stamp["epochs"]!, (int)stamp["vocabulary_size"]!));
        Assert.Equal((2, 201, 202), (result.Rounds[1].Collected, result.Rounds[1].Selected, result.Rounds[1].TrainRows));
        Assert.Equal(60, result.Rounds[1].Gate!.Total!.Rows);
        Assert.Equal(WorldRules.Task.Labels!.Order(), result.Rounds[1].Gate!.Classes!.Keys.Order());
        Assert.Equal(result.StartAccuracy, result.Rounds[0].Accuracy);
        Assert.Contains("collected:s1", File.ReadAllText(In(options, "rounds/001/annotated/train.jsonl")));
    }

    [Fact]
    public async Task RunAsync_BundlePrecision_IsWhatIsMeasuredAndServed()
    {
        var options = Options("out", null) with
        {
            Teacher = "rules",
            ApiKey = null,
            Rounds = 1,
            BundlePrecision = "int8",
            MaxAccuracyLoss = 100,
        };
        await ImproveStage.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
        // Round 2 chooses its rows by the first bundle's probabilities and states.
        var result = await ImproveStage.RunAsync(
            options with { Resume = true, Rounds = 2, MaxAccuracyLoss = 99 }, Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal([SelectionRule.Random, SelectionRule.Both], result.Rounds.Select(r => r.By!.Value));
        Assert.Equal(["int8"], BundleManifest.Load(In(options, "rounds/002/bundle")).Precisions);
        Assert.Equal(["int8"], BundleManifest.Load(result.Served!).Precisions);
        var other = await Assert.ThrowsAsync<InputException>(() => ImproveStage.RunAsync(
            options with { Resume = true, BundlePrecision = "fp32" }, Reporter.None, TestContext.Current.CancellationToken));
        Assert.Contains("other options", other.Message);
    }

    [Fact]
    public async Task RunAsync_WhatCannotBe_IsRefusedBeforeAnybodyIsAsked()
    {
        var options = Options("out", null) with { Teacher = "rules", ApiKey = null };
        async Task<string> Fault(ImproveOptions o) => (await Assert.ThrowsAsync<InputException>(
            () => ImproveStage.RunAsync(o, Reporter.None, TestContext.Current.CancellationToken))).Message;

        Assert.Contains("expected a checkpoint directory", await Fault(options with { Model = "t5-huge" }));
        Assert.Contains("--student goes with a --model that serves", await Fault(options with { Student = "t5-tiny" }));
        Assert.Contains("--split: train is the pool", await Fault(options with { Split = "train" }));
        Assert.Contains("--gate-level", await Fault(options with { GateLevel = 0.5 }));
        Assert.Contains(
            "--bundle-precision: expected one of fp32, fp16, int8, q4, found \"int4\"",
            await Fault(options with { BundlePrecision = "int4" }));
        Assert.Contains("--max-accuracy-loss", await Fault(options with { MaxAccuracyLoss = -1 }));
        Assert.Contains("--name", await Fault(options with { Name = "a/b" }));
        Assert.Contains(
            "--budget: the table of prices does not know \"unpriced\"",
            await Fault(options with { Teacher = "openai:unpriced@http://localhost:1/v1", Budget = 1 }));
        var pool = File.ReadAllText(_directory["pool/train.jsonl"]);
        File.AppendAllText(_directory["pool/train.jsonl"], """{"id":"empty","input":" "}""");
        Assert.Contains("train.jsonl: row 201: \"input\" is empty", await Fault(options));
        File.WriteAllText(_directory["pool/train.jsonl"], "");
        Assert.Contains("train.jsonl: expected at least one row", await Fault(options));
        File.WriteAllText(_directory["pool/train.jsonl"], pool);
        Assert.False(Directory.Exists(options.Out));
        await ImproveStage.RunAsync(options with { Rounds = 1 }, Reporter.None, TestContext.Current.CancellationToken);
        Assert.Contains("go on with its rounds by --resume", await Fault(options));
        Assert.Contains("other options", await Fault(options with { Resume = true, Count = 25 }));
    }

    private static string Answer(string question) =>
        $"The scene has {question.Length} letters. So the answer is {(question.Length % 2 == 0 ? "yes" : "no")}.";

    private ImproveOptions Options(string name, FakeEndpoint? endpoint) => new()
    {
        Data = _directory["pool"],
        Model = _directory["shape.json"],
        Teacher = endpoint?.Spec ?? "rules",
        ApiKey = FakeEndpoint.Key,
        Out = _directory[name],
        Rounds = 2,
        Count = 24,
        MaxSteps = 3,
        BatchSize = 8,
        EvaluateEvery = 2,
        VocabularySize = 120,
        Device = "cpu",
        Threads = 1,
    };

    private static string In(ImproveOptions options, string path) => Path.Combine(options.Out, path);

    private static string Hash(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));

    private static IEnumerable<string> Versions(ImproveOptions options) => Directory.EnumerateDirectories(In(options, "models/scenes"))
        .Order(StringComparer.Ordinal).Select(d => $"{Path.GetFileName(d)} {BundleManifest.Load(d).Version}");

    private sealed class KilledException : Exception;
}
