using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Study;
using DistillOnnx.Training.Trainer;
using Comparison = DistillOnnx.Toolchain.Study.Study;

namespace DistillOnnx.Toolchain.Tests.Study;

public sealed class StudyTests : IDisposable
{
    private static readonly JsonSerializerOptions Bare = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    private readonly string _root = Directory.CreateTempSubdirectory("distillonnx-study-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task RunAsync_TwoDatasetsThatExplainDifferently_ShareTheRunsThatReadNoRationales()
    {
        var result = await Comparison.RunAsync(Options(), Reporter.None, TestContext.Current.CancellationToken);

        Assert.Equal(2 * 2 * 3, result.Runs.Count);
        Assert.All(result.Runs.Where(r => r.Method == "standard"), r => Assert.Equal("teacher", r.Data));
        Assert.Equal([12, 24], result.Runs.Select(r => r.TrainRows).Distinct().Order());
        Assert.All(result.Runs, r => Assert.Equal(8, r.Rows));
        Assert.Equal(2 * 2, result.Differences.Count);
        Assert.All(result.Differences, d => Assert.Equal(2, d.Seeds));
        var lines = File.ReadAllLines(In("study/results.csv"));
        Assert.Equal(1 + result.Runs.Count, lines.Length);
        var report = File.ReadAllText(In("study/report.md"));
        Assert.Contains("## Against standard", report);
        Assert.Contains("50.00 %", report);
        Assert.Contains("but for `--vocabulary-size 120`.", report);
        Assert.True(new FileInfo(In("study/accuracy-shape.png")).Length > 1000);
        Assert.Empty(Directory.GetFileSystemEntries(In("study/checkpoints")));

        // As earlier versions wrote options that were not given, so that their studies go on.
        var stamp = JsonNode.Parse(File.ReadAllText(In("study/study.json")))!;
        Assert.Equal((10, 256), ((double)stamp["epochs"]!, (int)stamp["max_rationale_tokens"]!));
        Assert.Equal((120, 4800), ((int)stamp["vocabulary_size"]!, (int)stamp["world_rows"]!));
    }

    [Fact]
    public async Task RunAsync_InterruptedAndResumed_GivesTheSameTableWithoutRunningTwice()
    {
        var options = Options() with { Methods = ["standard"], Data = [$"teacher={Data("teacher")}"] };
        var whole = await Comparison.RunAsync(options with { Out = In("whole") }, Reporter.None, CancellationToken.None);

        using var source = new CancellationTokenSource();
        var first = new Recorder(() => source.Cancel(), stopAtRun: 3);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Comparison.RunAsync(options, first, source.Token));
        var second = new Recorder(() => { }, stopAtRun: 0);
        var resumed = await Comparison.RunAsync(options with { Resume = true }, second, CancellationToken.None);

        Assert.Equal(4, whole.Runs.Count);
        Assert.Equal(["run 3 of 4", "run 4 of 4"], second.Runs);
        Assert.Equal(whole.Runs.Select(Figures), resumed.Runs.Select(Figures));
    }

    [Fact]
    public async Task RunAsync_SeveralRunsAtOnce_GiveTheSameTableInTheSameOrder()
    {
        var options = Options() with { Threads = 1 };
        var one = await Comparison.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
        var messages = new Recorder(() => { }, stopAtRun: 0);

        var three = await Comparison.RunAsync(
            options with { Out = In("three"), Jobs = 3, Threads = 3 }, messages, TestContext.Current.CancellationToken);

        Assert.Equal(one.Runs.Select(Figures), three.Runs.Select(Figures));
        Assert.Equal(12, messages.Runs.Count);
        Assert.Equal(12, three.RunsMade);
        Assert.Empty(Directory.GetFileSystemEntries(In("three/checkpoints")));
    }

    [Fact]
    public async Task RunAsync_SeveralRunsAtOnceThatAreStopped_LeaveAReportThatSaysSoAndGoOn()
    {
        var options = Options() with { Methods = ["standard"], Data = [$"teacher={Data("teacher")}"], Jobs = 2 };
        using var source = new CancellationTokenSource();
        var first = new Recorder(() => source.Cancel(), stopAtRun: 4);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Comparison.RunAsync(options, first, source.Token));

        Assert.Matches(
            @"\*\*Not complete: [123] of 4 runs are made, and all figures are of these alone\.\*\*",
            File.ReadAllText(In("study/report.md")));
        var resumed = await Comparison.RunAsync(options with { Resume = true, Jobs = 1 }, Reporter.None, CancellationToken.None);
        Assert.Equal((4, 4), (resumed.RunsMade, resumed.RunsPlanned));
        Assert.DoesNotContain("Not complete", File.ReadAllText(In("study/report.md")));
    }

    [Fact]
    public async Task RunAsync_StudentThatIsNone_IsRefusedBeforeAnythingIsWritten()
    {
        var fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(
            Options() with { Students = ["t5-mikro"] }, Reporter.None, CancellationToken.None));

        Assert.StartsWith("--students \"t5-mikro\": expected", fault.Message);
        Assert.False(Directory.Exists(In("study")));
    }

    [Theory]
    [InlineData(0.2, null, "--alpha")]
    [InlineData(null, 0.8, "--alpha-end")]
    public void Validate_WeightsOfTwoLossesWhereNoMethodHasThem_IsRefused(double? alpha, double? end, string option)
    {
        var options = Options() with { Methods = ["standard", "single-task"], Alpha = alpha, AlphaEnd = end };

        Assert.Equal([$"{option}: only step-by-step has two losses to weigh, and --methods does not name it"], options.Validate());
        Assert.Empty((options with { Methods = ["standard", "step-by-step"] }).Validate());
    }

    [Fact]
    public async Task RunAsync_ResumedWithOtherOptions_IsRefused()
    {
        var options = Options() with { Methods = ["standard"], Seeds = ["0"], Fractions = ["1"] };
        await Comparison.RunAsync(options, Reporter.None, CancellationToken.None);

        var fault = await Assert.ThrowsAsync<InputException>(() =>
            Comparison.RunAsync(options with { Resume = true, BatchSize = 5 }, Reporter.None, CancellationToken.None));

        Assert.Equal(
            $"{In("study")}: cannot be gone on with: its runs were made with other options, --batch-size (there 4, here 5); pass the same "
            + "ones, or --overwrite",
            fault.Message);
        fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(options, Reporter.None, CancellationToken.None));
        Assert.Contains("--resume goes on with it", fault.Message);
        using var other = new FileStream(In("study/study.lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        foreach (var again in new[] { options with { Resume = true }, options with { Overwrite = true } })
        {
            fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(again, Reporter.None, CancellationToken.None));
            Assert.Contains("another run has it", fault.Message);
        }
    }

    [Theory]
    [InlineData("teacher/train.jsonl", "data teacher: train.jsonl was SHA-256 ")]
    [InlineData("teacher/test.jsonl", "data teacher: test.jsonl was SHA-256 ")]
    [InlineData("teacher/task.json", "data teacher: task.json was SHA-256 ")]
    [InlineData("shape.json", "student shape: shape.json was SHA-256 ")]
    public async Task RunAsync_ResumedWithOtherInputs_NamesTheFile(string file, string expected)
    {
        var options = Options() with { Data = [$"teacher={Data("teacher")}"], Methods = ["standard"], Seeds = ["0"], Fractions = ["1"] };
        await Comparison.RunAsync(options, Reporter.None, CancellationToken.None);
        var report = File.ReadAllText(In("study/report.md"));
        File.AppendAllText(In(file), file.EndsWith(".json", StringComparison.Ordinal) ? " " : """
            {"id":"one-more","input":"a pear in the tree","label":"fruit","rationale":"one eats it"}

            """);

        var fault = await Assert.ThrowsAsync<InputException>(() =>
            Comparison.RunAsync(options with { Resume = true, Seeds = ["0", "1"] }, Reporter.None, CancellationToken.None));

        Assert.StartsWith($"{In("study")}: cannot be gone on with: {expected}", fault.Message);
        Assert.Equal(report, File.ReadAllText(In("study/report.md")));

        // Under another name it is another dataset, or student.
        var again = file == "shape.json"
            ? options with { Students = [$"other={In("shape.json")}", .. options.Students] }
            : options with { Data = [$"other={In("teacher")}"] };
        fault = await Assert.ThrowsAsync<InputException>(() =>
            Comparison.RunAsync(again with { Resume = true }, Reporter.None, CancellationToken.None));
        Assert.Contains(file == "shape.json" ? "cannot be gone on with" : "--data other: the tokenizer of", fault.Message);
    }

    [Fact]
    public async Task RunAsync_ResumedWithFewerRunsThanAreDone_IsRefusedAndGoesOnWithMore()
    {
        var options = Options() with { Data = [$"teacher={Data("teacher")}"], Methods = ["standard"], Fractions = ["1"] };
        await Comparison.RunAsync(options, Reporter.None, CancellationToken.None);

        var fault = await Assert.ThrowsAsync<InputException>(() =>
            Comparison.RunAsync(options with { Resume = true, Seeds = ["1", "2"] }, Reporter.None, CancellationToken.None));

        Assert.StartsWith(
            $"{In("study")}: holds 1 run(s) that --data, --students, --methods, --fractions and --seeds leave out "
            + "(shape.teacher.standard.1.0); ",
            fault.Message);
        var more = await Comparison.RunAsync(
            options with { Resume = true, Seeds = ["0", "1", "2"] }, Reporter.None, TestContext.Current.CancellationToken);
        Assert.Equal([0, 1, 2], more.Runs.Select(r => r.Seed));
    }

    [Fact]
    public async Task RunAsync_TwoStudentsOfOneName_AreRefusedBeforeAnythingIsWritten()
    {
        var fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(
            Options() with { Students = ["a b=t5-micro", $"a_b={Shape()}"] }, Reporter.None, CancellationToken.None));

        Assert.Equal("--students: two students are called a b; give one another name with NAME=STUDENT", fault.Message);
        Assert.False(Directory.Exists(In("study")));
    }

    /// <summary>Depths of the generated world stand among the datasets of the tables.</summary>
    [Theory]
    [InlineData("world")]
    [InlineData("depth-1")]
    public async Task RunAsync_DatasetNamedAsAnother_IsRefusedBeforeTheOldStudyIsReplaced(string name)
    {
        var data = Data("teacher");
        var study = Directory.CreateDirectory(In("study"));
        File.WriteAllText(Path.Combine(study.FullName, "study.json"), "{}");
        var options = Options() with { Data = [$"{name}={data}"], World = ["1"], Overwrite = true };
        var fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(options, Reporter.None, CancellationToken.None));
        Assert.Equal($"--data: two datasets are called {name}; give one another name with NAME=DIR", fault.Message);
        Assert.Equal("{}", File.ReadAllText(Path.Combine(study.FullName, "study.json")));
    }

    /// <summary>What is refused is refused before the study that stands there is gone.</summary>
    [Theory]
    [InlineData("evaluate", "evaluate-every")]
    [InlineData("teacher", "teacher: no row of train has a teacher's label, and --methods standard+teacher learns them")]
    [InlineData("student", "--students \"t5-huge\": expected")]
    [InlineData("names", "t5-micro.a on b and t5-micro on a.b have the same file name, t5-micro.a.b.step-by-step.1.0; give one")]
    [InlineData("empty", "--data: expected NAME=DIR, found \"x=\"")]
    [InlineData("long", "cannot be a name in file names and tables")]
    public async Task RunAsync_OverwriteWithWhatCannotRun_LeavesTheOldStudy(string fault, string expected)
    {
        var options = Small() with { Out = In("study") };
        await Comparison.RunAsync(options, Reporter.None, CancellationToken.None);
        var before = File.ReadAllText(In("study/report.md"));

        options = options with { Overwrite = true };
        options = fault switch
        {
            "evaluate" => options with { EvaluateEvery = 0 },
            "teacher" => options with { Methods = ["standard", "standard+teacher"] },
            "student" => options with { Students = ["t5-huge"], VocabularySize = null },
            "names" => options with
            {
                Data = [$"b={Data("teacher")}", $"a.b={Data("people")}"],
                Students = [$"t5-micro.a={Shape()}", "t5-micro"],
                Methods = ["step-by-step"],
            },
            "empty" => options with { Data = ["x="] },
            _ => options with { Data = [$"{new string('n', 81)}={Data("teacher")}"] },
        };
        var message = (await Assert.ThrowsAsync<InputException>(
            () => Comparison.RunAsync(options, Reporter.None, CancellationToken.None))).Message;

        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(In("study/report.md")));
        Assert.Single(Directory.GetFiles(In("study/runs")));
    }

    [Fact]
    public async Task RunAsync_World_IsReplacedIsKeptAndIsTheSameWhereItGoesOn()
    {
        var options = Small() with { Data = [], World = ["2", "1"], WorldRows = 60, VocabularySize = 300, Accuracies = ["0.99"] };
        await Comparison.RunAsync(options, Reporter.None, CancellationToken.None);
        var result = await Comparison.RunAsync(options with { Overwrite = true }, Reporter.None, CancellationToken.None);
        Assert.Equal(["world", "depth-1", "depth-2"], result.Runs.Select(r => r.Data));
        var json = JsonSerializer.SerializeToNode(result, Bare)!;
        Assert.Null(json["Summary"]![0]!["Deviation"]);

        var more = options with
        {
            Resume = true,
            World = ["1", "2"],
            Seeds = ["0", "1"],
            Methods = ["standard", "step-by-step"],
            Patience = 9,
        };
        var fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(more, Reporter.None, CancellationToken.None));
        Assert.Contains("patience", fault.Message, StringComparison.Ordinal);
        await Comparison.RunAsync(more with { Patience = 0 }, Reporter.None, CancellationToken.None);
        var page = File.ReadAllText(In("study/report.md"));
        Assert.Contains("`world` is generated (seed 1): 60 training rows of questions with 1, 2 step(s) of reasoning", page);
        Assert.Contains("The rows needed are not known at 0.99: ", page);

        var file = In("study/world/train.jsonl");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"label\":\"yes\"", "\"label\":\"no\"", StringComparison.Ordinal));
        fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(
            more with { Patience = 0, Seeds = ["0", "1", "2"] }, Reporter.None, CancellationToken.None));
        Assert.Contains("cannot be gone on with: data world: train.jsonl was SHA-256", fault.Message, StringComparison.Ordinal);

        // What is deleted is made again, and the same.
        Directory.Delete(In("study/world"), recursive: true);
        await Comparison.RunAsync(more with { Patience = 0 }, Reporter.None, CancellationToken.None);
    }

    [Fact]
    public async Task RunAsync_RunsOfAWorldThatDidNotConverge_AreCountedOnce()
    {
        var options = Small() with { Data = [], World = ["1"], WorldRows = 60, VocabularySize = 300, Patience = 5 };
        await Comparison.RunAsync(options, Reporter.None, CancellationToken.None);
        Assert.Contains("1 of 1 runs were stopped by their last step", File.ReadAllText(In("study/report.md")));
    }

    [Fact]
    public async Task RunAsync_ResumeOfWhatIsNoStudy_SaysSo()
    {
        Directory.CreateDirectory(In("study"));
        File.WriteAllText(In("study/notes.txt"), "mine");
        var fault = await Assert.ThrowsAsync<InputException>(
            () => Comparison.RunAsync(Small() with { Resume = true }, Reporter.None, CancellationToken.None));
        Assert.Equal($"{In("study")}: holds no study that --resume could go on with, and is not empty", fault.Message);
    }

    [Fact]
    public async Task RunAsync_ValidationRows_HaveLabelsOrAreSaidToBeMissing()
    {
        var data = Data("teacher");
        var options = Options() with { Data = [$"teacher={data}"], Methods = ["standard"], Seeds = ["0"], Fractions = ["1"] };
        var validation = In("teacher/validation.jsonl");
        File.WriteAllText(validation, """
            {"id":"v","input":"a pear"}

            """);
        var fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(options, Reporter.None, CancellationToken.None));
        Assert.StartsWith($"{validation}: none of the 1 rows has a label", fault.Message);
        Assert.False(Directory.Exists(In("study")));

        File.Delete(validation);
        var train = File.ReadAllText(In("teacher/train.jsonl"));
        File.AppendAllText(In("teacher/train.jsonl"), """
            {"id":"t","input":"a pear"}

            """);
        fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(options, Reporter.None, CancellationToken.None));
        Assert.Contains("train.jsonl: row 25", fault.Message);
        Assert.False(Directory.Exists(In("study")));
        File.WriteAllText(In("teacher/train.jsonl"), train);
        await Comparison.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
        Assert.Contains(
            "the last step's weights (there are no validation rows to choose by), measured on `test`.",
            File.ReadAllText(In("study/report.md")));
    }

    [Fact]
    public void Validate_OptionsWithoutUse_AreRefused()
    {
        var options = Options() with { Methods = ["standard"] };
        Assert.Equal(
            [
                "--epochs and --max-steps exclude each other",
                "--world-rows: needs --world",
                "--max-rationale-tokens: no method of --methods reads rationales",
            ],
            (options with { Epochs = 3, WorldRows = 50, MaxRationaleTokens = 3 }).Validate());
        Assert.Equal(3, (options with { Epochs = 10, WorldRows = 4800, MaxRationaleTokens = 256 }).Validate().Count);
        Assert.Equal(
            ["--vocabulary-size: no tokenizer is trained: --tokenizer or the students bring one"],
            (options with { Tokenizer = _root, VocabularySize = TrainOptions.DefaultVocabularySize }).Validate());
    }

    [Fact]
    public void Reach_OfAPair_IsTheIntervalOfStudentsT()
    {
        StudyDifference Of(int seeds) => new("s", "d", "m", 1, seeds, -0.053, seeds > 1 ? 0.012 : null);

        Assert.Null(Of(1).Reach);
        Assert.Equal(12.706 * 0.012, Of(2).Reach!.Value, 1e-9);
        Assert.Equal("33.30", new StudySummary("d", "s", "m", 1, 40, Seeds: 1, 0.333, null).Text);
        Assert.Equal("33.30 ± 1.00", new StudySummary("d", "s", "m", 1, 40, Seeds: 2, 0.333, 0.01).Text);
    }

    [Fact]
    public async Task RunAsync_StudentFromACheckpoint_ReportsItsAccuracyUntrained()
    {
        await StudentTrainer.RunAsync(
            new TrainOptions
            {
                Data = Data("teacher"),
                Student = Shape(),
                Out = In("warm"),
                VocabularySize = 120,
                MaxSteps = 1,
                Device = "cpu",
            },
            Reporter.None,
            CancellationToken.None);

        var result = await Comparison.RunAsync(
            Options() with
            {
                Students = [$"warm={In("warm")}"],
                Methods = ["step-by-step"],
                Seeds = ["0"],
                Fractions = ["1"],
                VocabularySize = null,
            },
            Reporter.None,
            CancellationToken.None);

        var untrained = Assert.Single(result.Untrained);
        Assert.Equal(("warm", "teacher", 8), (untrained.Student, untrained.Data, untrained.Rows));
        Assert.InRange(untrained.Accuracy, 0, 1);
        Assert.Contains("% on teacher |", File.ReadAllText(In("study/report.md")));
    }

    [Fact]
    public async Task RunAsync_DatasetWithoutRationales_IsRefusedBeforeAnyRunUnlessNoMethodReadsThem()
    {
        var options = Options() with { Data = [Data("nobody")], Seeds = ["0"], Fractions = ["1"] };
        foreach (var file in Directory.EnumerateFiles(In("nobody"), "*.jsonl"))
        {
            var bare = File.ReadAllLines(file).Select(l => JsonSerializer.Deserialize<Dictionary<string, string>>(l)!)
                .Select(v => v.Remove("rationale") ? JsonSerializer.Serialize(v) : "").ToList();
            File.WriteAllLines(file, bare);
        }

        var fault = await Assert.ThrowsAsync<InputException>(() => Comparison.RunAsync(options, Reporter.None, CancellationToken.None));

        Assert.Equal(
            $"{In("nobody")}: no row of train has a rationale, and --methods step-by-step learns from them; add rationales with "
            + "\"distill annotate\", or leave the method out",
            fault.Message);
        Assert.False(Directory.Exists(In("study")));
        Assert.Single((await Comparison.RunAsync(
            options with { Methods = ["standard"] }, Reporter.None, TestContext.Current.CancellationToken)).Runs);
    }

    [Fact]
    public void Differences_ArePairedBySeed()
    {
        StudyRun Run(string method, string data, long seed, double accuracy) =>
            new() { Data = data, Student = "s", Method = method, Fraction = 1, Seed = seed, Accuracy = accuracy };
        var difference = Assert.Single(StudyDifference.Of(
            [
                Run("standard", "a", 0, 0.5),
                Run("standard", "a", 1, 0.7),
                Run("step-by-step", "b", 0, 0.6),
                Run("step-by-step", "b", 1, 0.82),
                Run("step-by-step", "b", 2, 0.9)
            ],
            "standard",
            new Dictionary<string, string> { ["a"] = "a", ["b"] = "a" }));

        Assert.Equal(2, difference.Seeds);
        Assert.Equal(0.11, difference.Mean, 9);
        Assert.Equal(0.01, difference.StandardError!.Value, 9);
    }

    private static (string, double, long, double, int) Figures(StudyRun run) =>
        (run.Method, run.Fraction, run.Seed, run.Accuracy, run.BestStep);

    private StudyOptions Options() => new()
    {
        Data = [$"teacher={Data("teacher")}", $"people={Data("people")}"],
        Students = [$"shape={Shape()}"],
        Out = In("study"),
        Fractions = ["0.5", "1"],
        Seeds = ["0", "1"],
        MaxSteps = 2,
        BatchSize = 4,
        VocabularySize = 120,
        Device = "cpu",
    };

    private StudyOptions Small() => Options() with
    {
        Data = [$"teacher={Data("teacher")}"],
        Methods = ["standard"],
        Seeds = ["0"],
        Fractions = ["1"],
    };

    private string In(string name) => Path.Combine(_root, name);

    private string Shape()
    {
        File.WriteAllText(
            In("shape.json"),
            """{"model_type":"t5","vocab_size":256,"d_model":16,"d_kv":8,"d_ff":32,"num_layers":1,"num_decoder_layers":1,"num_heads":2,"dropout_rate":0.1}""");
        return In("shape.json");
    }

    /// <summary>A dataset of things that are fruits or tools; rationales differ by who wrote them and nothing else does.</summary>
    private string Data(string author)
    {
        var path = In(author);
        Directory.CreateDirectory(path);
        File.WriteAllText(
            Path.Combine(path, "task.json"), """{"name":"things","kind":"labels","labels":["fruit","tool"],"metric":"text"}""");
        foreach (var (split, rows) in new[] { ("train", 24), ("validation", 8), ("test", 8) })
        {
            File.WriteAllLines(
                Path.Combine(path, $"{split}.jsonl"),
                Enumerable.Range(0, rows).Select(i => JsonSerializer.Serialize(new Dictionary<string, string>
                {
                    ["id"] = $"{split}-{i}",
                    ["input"] = $"a {(i % 2 == 0 ? "pear" : "saw")} on the table number {i}",
                    ["label"] = i % 2 == 0 ? "fruit" : "tool",
                    ["rationale"] = $"{author} say that one {(i % 2 == 0 ? "eats" : "works with")} it",
                })));
        }

        return path;
    }

    /// <summary>Keeps which runs were begun, and stops at one of them.</summary>
    private sealed class Recorder(Action stop, int stopAtRun) : IReporter
    {
        public List<string> Runs { get; } = [];

        public void Progress(string stage, long done, long? total, string? detail = null)
        {
        }

        public void Info(string message)
        {
            if (!message.StartsWith("run ", StringComparison.Ordinal)) return;
            Runs.Add(message[..message.IndexOf(':', StringComparison.Ordinal)]);
            if (Runs.Count == stopAtRun) stop();
        }

        public void Warn(string message)
        {
        }
    }
}
