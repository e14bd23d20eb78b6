using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.Optimizers;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Trainer;

public sealed class StudentTrainerTests
{
    [Theory]
    [InlineData(TrainingMethod.StepByStep, LabelSource.Gold)]
    [InlineData(TrainingMethod.Standard, LabelSource.Teacher)]
    [InlineData(TrainingMethod.SingleTask, LabelSource.Gold)]
    public async Task RunAsync_TinyTask_IsLearntAndThePredictorOfTheCheckpointAgrees(TrainingMethod method, LabelSource labels)
    {
        using var directory = new TemporaryDirectory();
        var result = await StudentTrainer.RunAsync(
            TinyTask.Options(directory) with { Method = method, Labels = labels, MaxSteps = 240, EvaluateEvery = 60, BatchSize = 16 },
                Reporter.None, TestContext.Current.CancellationToken);

        Assert.True(result.ValidationAccuracy >= 0.9, $"accuracy {result.ValidationAccuracy}");
        Assert.Equal(240, result.Steps);
        using var predictor = StudentPredictor.Open(result.Checkpoint, "cpu");
        Assert.Equal("tool", predictor.Predict([new PredictorInput("a saw on the floor")]).Single().Label);
        Assert.Equal(method == TrainingMethod.StepByStep ? "predict: " : "", TaskSpec.Load(result.Checkpoint).PredictPrefix);
        var report = JsonNode.Parse(File.ReadAllText(Path.Combine(result.Checkpoint, "training.json")))!;
        Assert.Equal("finished", (string?)report["status"]);
        Assert.Equal(4, report["evaluations"]!.AsArray().Count);
        Assert.False(Directory.Exists(Path.Combine(result.Checkpoint, "resume")));
    }

    [Theory]
    [InlineData(true, null, true, 1e-2)]
    [InlineData(true, false, false, 1e-3)]
    [InlineData(false, null, false, 5e-5)]
    [InlineData(false, true, true, 1e-3)]
    public async Task RunAsync_NoLearningRate_TakesOneThatSuitsTheStudentAndSaysWhich(
        bool fromScratch, bool? scale, bool scaled, double rate)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { MaxSteps = 1, LearningRate = null };
        if (!fromScratch) options =
            options with
            {
                Student = (await StudentTrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken))
                .Checkpoint,
                Out = directory["second"],
                VocabularySize = null,
            };

        var result = await StudentTrainer.RunAsync(
            options with { ScaleParameter = scale }, Reporter.None, TestContext.Current.CancellationToken);

        var resolved = JsonNode.Parse(File.ReadAllText(Path.Combine(result.Checkpoint, "training.json")))!["options"]!;
        Assert.Equal(scaled, (bool?)resolved["scale_parameter"]);
        Assert.Equal(rate, (double?)resolved["learning_rate"]);
    }

    /// <summary>Losses of all micro-batches and the gradient's norm are fetched together, so a step waits for its device once.</summary>
    [Fact]
    public void Run_WithTheEngineForEveryDevice_WaitsOnceAStep()
    {
        int Waits(int steps)
        {
            using var directory = new TemporaryDirectory();
            var options = TinyTask.Options(directory) with
            {
                Student = TinyTask.Shape(directory, "gelu"),
                MicroBatchTokens = 100,
                MaxSteps = steps,
                EvaluateEvery = steps,
            };
            var before = PendingLoss.Waits;
            StudentTrainer.Run(options, new Messages(), TestContext.Current.CancellationToken);
            return PendingLoss.Waits - before;
        }

        Assert.Equal(10, Waits(20) - Waits(10));
    }

    [Fact]
    public async Task RunAsync_Bf16_LearnsOverFloat32Weights()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(
            directory) with
        { MaxSteps = 240, EvaluateEvery = 80, BatchSize = 16, Seed = 8, Precision = TrainingPrecision.Bf16 };
        var result = await StudentTrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);
        var exact = await StudentTrainer.RunAsync(
            options with { Precision = TrainingPrecision.Fp32, Out = directory["exact"] }, Reporter.None,
                TestContext.Current.CancellationToken);

        Assert.True(result.ValidationAccuracy >= 0.9, $"accuracy {result.ValidationAccuracy}");
        using var weights = SafetensorsFile.Open(directory["out/model.safetensors"]);
        Assert.All(weights.Tensors.Values, t => Assert.Equal(TensorType.Float32, t.Type));

        // The option did something: products rounded to eight bits of mantissa lead to other weights.
        Assert.True(weights.TryGetBytes("shared.weight", out var rough));
        using var other = SafetensorsFile.Open(Path.Combine(exact.Checkpoint, "model.safetensors"));
        Assert.True(other.TryGetBytes("shared.weight", out var smooth));
        Assert.False(rough.SequenceEqual(smooth));
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.Adafactor)]
    public async Task RunAsync_InterruptedAndResumed_IsBitIdenticalToOneRun(OptimizerKind optimizer)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { Optimizer = optimizer, KeepResume = true };
        await StudentTrainer.RunAsync(options with { Out = directory["whole"] }, Reporter.None, CancellationToken.None);

        // Between evaluations, and in the midst of one.
        foreach (var stop in new[] { 3, 4, 7 })
        {
            using var source = new CancellationTokenSource();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => StudentTrainer.RunAsync(options with { Resume = true }, new StopAt(stop, source), source.Token));
            using var stopped = Checkpoint.Open(directory["out"]);
            Assert.Contains("stopped before its last step", Assert.Single(stopped.Notes), StringComparison.Ordinal);
        }

        await StudentTrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None);
        using (var done = Checkpoint.Open(directory["out"])) Assert.Empty(done.Notes);
        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(options with { Resume = true, BatchSize = 9 }, Reporter.None, CancellationToken.None));
        Assert.Contains("\"batch_size\"", fault.Message, StringComparison.Ordinal);

        foreach (var file in new[] { "model.safetensors", "config.json", "task.json", "spiece.model" })
            Assert.True(
                File.ReadAllBytes(directory[$"whole/{file}"]).AsSpan().SequenceEqual(File.ReadAllBytes(directory[$"out/{file}"])), file);
        using var whole = SafetensorsFile.Open(directory["whole/resume/state.safetensors"]);
        using var resumed = SafetensorsFile.Open(directory["out/resume/state.safetensors"]);
        foreach (var name in whole.Tensors.Keys)
        {
            Assert.True(whole.TryGetBytes(name, out var a) && resumed.TryGetBytes(name, out var b) && a.SequenceEqual(b), name);
        }
    }

    [Fact]
    public async Task RunAsync_ResumedWithAnotherTask_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { KeepResume = true, MaxSteps = 4 };
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        var task = directory["data/task.json"];
        var before = File.ReadAllText(task);
        File.WriteAllText(task, before + "\n");
        await StudentTrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None);
        var other = JsonNode.Parse(before)!;
        other["labels"]!.AsArray().Add("other");
        File.WriteAllText(task, other.ToJsonString());

        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None));

        Assert.Contains("\"task_sha256\" was", fault.Message);
    }

    /// <summary>As where the disk was full when the first weights were saved and the state was not.</summary>
    [Fact]
    public async Task RunAsync_ResumedWithoutAState_BeginsAnewAndSaysSo()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory);
        using var source = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => StudentTrainer.RunAsync(options, new StopAt(5, source), source.Token));
        Directory.Delete(directory["out/resume"], recursive: true);
        var messages = new Messages();

        var outcome = await StudentTrainer.RunAsync(options with { Resume = true }, messages, CancellationToken.None);

        Assert.Equal(12, outcome.Steps);
        Assert.Contains($"{directory["out"]}: was stopped before what --resume needs was saved; begins anew", messages.Warnings);
        Directory.Delete(directory["out"], recursive: true);
        Directory.CreateDirectory(directory["out"]);
        File.WriteAllText(directory["out/training.json"], "{}");
        await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None));
    }

    [Fact]
    public async Task RunAsync_OptionsWithoutUse_AreRefused()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { Method = TrainingMethod.Standard };
        Assert.Equal(
            ["--epochs and --max-steps exclude each other", "--max-rationale-tokens: --method standard reads no rationales"],
            (options with { Epochs = 3, MaxRationaleTokens = 3 }).Validate());
        await StudentTrainer.RunAsync(options with { Out = directory["first"] }, Reporter.None, CancellationToken.None);

        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(
                options with { Student = directory["first"], VocabularySize = TrainOptions.DefaultVocabularySize }, Reporter.None,
                    CancellationToken.None));

        Assert.Equal("--vocabulary-size: no tokenizer is trained: --tokenizer or the student brings one", fault.Message);
    }

    /// <summary>An option that has no effect is refused with whatever number, its default among them.</summary>
    [Fact]
    public void Validate_DefaultsGivenWithoutUse_AreRefused()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { Method = TrainingMethod.Standard };

        Assert.Empty(options.Validate());
        Assert.Equal(
            ["--epochs and --max-steps exclude each other", "--max-rationale-tokens: --method standard reads no rationales"],
            (options with { Epochs = TrainOptions.DefaultEpochs, MaxRationaleTokens = TrainOptions.DefaultMaxRationaleTokens })
            .Validate());
        Assert.Equal(
            ["--epochs and --max-tokens exclude each other"],
            (options with { Epochs = TrainOptions.DefaultEpochs, MaxSteps = null, MaxTokens = 9 }).Validate());
        Assert.Equal(
            ["--epochs: expected a number above 0, found 0"], (options with { Epochs = 0, MaxSteps = null }).Validate());
    }

    /// <summary>Runs that were saved when defaults were options that were given.</summary>
    [Fact]
    public async Task RunAsync_OptionsNotGiven_AreRecordedAsTheyAreUsed()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { MaxSteps = null, BatchSize = 48 };
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        var report = JsonNode.Parse(File.ReadAllText(directory["out/training.json"]))!;

        Assert.Equal((10, 10), ((double)report["options"]!["epochs"]!, (int)report["steps"]!));
        Assert.Equal(256, (int)report["fingerprint"]!["max_rationale_tokens"]!);
        await StudentTrainer.RunAsync(
            options with { Student = directory["out"], Out = directory["second"], VocabularySize = null, Epochs = 1 }, Reporter.None,
                CancellationToken.None);
        report = JsonNode.Parse(File.ReadAllText(directory["second/training.json"]))!;
        Assert.Equal(4000, (int)report["fingerprint"]!["vocabulary_size"]!);
    }

    [Theory]
    [InlineData("--student")]
    [InlineData("--base")]
    [InlineData("--tokenizer")]
    [InlineData("--class-weights")]
    public async Task RunAsync_OutputThatIsRead_IsRefusedAndLeftAlone(string option)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { MaxSteps = 1 };
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        var before = File.ReadAllBytes(directory["out/model.safetensors"]);
        options = options with { Overwrite = true };

        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(
                option switch
                {
                    "--student" => options with { Student = directory["out"], VocabularySize = null },
                    "--base" => options with { Base = directory["out"] },
                    "--tokenizer" => options with { Tokenizer = directory["out"], VocabularySize = null },
                    _ => options with { ClassWeights = directory["out/config.json"] },
                },
                Reporter.None,
                CancellationToken.None));

        var read = option == "--class-weights" ? directory["out/config.json"] : directory["out"];
        Assert.Equal($"{directory["out"]}: is read as well ({read}); choose another output", fault.Message);
        Assert.True(before.AsSpan().SequenceEqual(File.ReadAllBytes(directory["out/model.safetensors"])));
    }

    [Fact]
    public async Task RunAsync_ResumedWithOtherOptions_NamesTheOption()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { KeepResume = true, MaxSteps = 4 };
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);

        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(options with { Resume = true, BatchSize = 9 }, Reporter.None, CancellationToken.None));

        Assert.Contains("\"batch_size\" was 8 and is now 9", fault.Message);
    }

    [Fact]
    public async Task RunAsync_MoreStepsOfARunThatIsDone_AreRefusedUnlessItsStateWasKept()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { MaxSteps = 4 };
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);

        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(options with { Resume = true, MaxSteps = 40 }, Reporter.None, CancellationToken.None));

        Assert.StartsWith($"{options.Out}: the run is done, of 4 steps, and 40 are asked for", fault.Message, StringComparison.Ordinal);
        Assert.Equal(4, (await StudentTrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None)).Steps);
    }

    /// <summary>Neither of the two that follow from the number of steps is given.</summary>
    [Fact]
    public async Task RunAsync_MoreStepsOfARunWhoseStateWasKept_KeepsWarmUpAndEvaluations()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { MaxSteps = 20, EvaluateEvery = null, KeepResume = true };
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        (int, int) Intervals()
        {
            var saved = JsonNode.Parse(File.ReadAllText(directory["out/training.json"]))!["options"]!;
            return ((int)saved["evaluate_every"]!, (int)saved["warmup_steps"]!);
        }

        Assert.Equal((2, 1), Intervals());
        var more = options with { Resume = true, MaxSteps = 40 };
        Assert.Equal(40, (await StudentTrainer.RunAsync(more, Reporter.None, CancellationToken.None)).Steps);

        Assert.Equal((2, 1), Intervals());
        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(more with { EvaluateEvery = 5 }, Reporter.None, CancellationToken.None));
        Assert.Contains("\"evaluate_every\" was 2 and is now 5;", fault.Message, StringComparison.Ordinal);
        fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(more with { WarmupSteps = 3 }, Reporter.None, CancellationToken.None));
        Assert.Contains("\"warmup_steps\" was 1 and is now 3;", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--patience 2")]
    [InlineData("--select-on")]
    [InlineData("--evaluate-rows")]
    public async Task RunAsync_ChoiceByRowsThatThereAreNot_IsRefused(string option)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with
        {
            Patience = option == "--patience 2" ? 2 : 0,
            SelectOn = option == "--select-on" ? SelectionMetric.Loss : SelectionMetric.Accuracy,
            EvaluateRows = option == "--evaluate-rows" ? 5 : null,
        };
        File.Delete(Path.Combine(options.Data, "validation.jsonl"));

        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None));

        Assert.Equal($"{option}: needs validation rows, and {options.Data} has none", fault.Message);
    }

    [Fact]
    public async Task RunAsync_ResumedWhileAnotherRunHasIt_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { KeepResume = true, MaxSteps = 4 };
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        var more = options with { Resume = true, MaxSteps = 8 };
        using (new FileStream(directory["out/resume/lock"], FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            var fault = await Assert.ThrowsAsync<InputException>(
                () => StudentTrainer.RunAsync(more, Reporter.None, CancellationToken.None));

            Assert.Contains("another run has it", fault.Message, StringComparison.Ordinal);
        }

        Assert.Equal(8, (await StudentTrainer.RunAsync(more, Reporter.None, CancellationToken.None)).Steps);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(12)]
    public async Task RunAsync_LearningRateBeyondReason_NamesStepAndRowsAndKeepsTheEarlierCheckpoint(int evaluateEvery)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { MaxSteps = 4 };
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        var before = File.ReadAllBytes(directory["out/model.safetensors"]);

        var fault = await Assert.ThrowsAsync<DivergenceException>(
            () => StudentTrainer.RunAsync(
                options with { LearningRate = 1e38, EvaluateEvery = evaluateEvery, WarmupSteps = 0, Overwrite = true }, Reporter.None,
                    CancellationToken.None));

        Assert.Matches(@"^step [12]: .* not a number.*; rows train-\d+, .* no checkpoint was written yet", fault.Message);
        Assert.True(before.AsSpan().SequenceEqual(File.ReadAllBytes(directory["out/model.safetensors"])));
    }

    [Fact]
    public async Task RunAsync_OutputExists_IsRefusedAndLeftAlone()
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["out"]);
        File.WriteAllText(directory["out/mine.txt"], "mine");

        await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(TinyTask.Options(directory), Reporter.None, CancellationToken.None));

        Assert.Equal(["mine.txt"], Directory.GetFileSystemEntries(directory["out"]).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(TrainingMethod.StepByStep, "step-by-step")]
    [InlineData(TrainingMethod.SingleTask, "single-task")]
    public async Task RunAsync_NoRowHasARationale_IsRefusedWithWhatToDo(TrainingMethod method, string name)
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { Method = method };
        TinyTask.RemoveRationales(directory["data"], kept: 0);

        var fault = await Assert.ThrowsAsync<InputException>(() =>
            StudentTrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken));

        Assert.EndsWith(
            $"none of the 48 rows to train on has a rationale, and --method {name} learns from them; add rationales with "
            + "\"distill annotate\", or train on labels alone with --method standard",
            fault.Message,
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(directory["out"]));
    }

    [Fact]
    public async Task RunAsync_FewRowsHaveARationale_CountsTheOthersAndTrains()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory) with { MaxSteps = 1 };
        TinyTask.RemoveRationales(directory["data"], kept: 2);
        var messages = new Messages();

        await StudentTrainer.RunAsync(options, messages, TestContext.Current.CancellationToken);

        Assert.Contains("train: 46 of 48 rows have no rationale; they teach their label only", messages.Warnings);
        Assert.Contains("validation: 14 of 16 rows have no rationale; the rationale loss leaves them out", messages.Warnings);
    }

    [Fact]
    public async Task RunAsync_FractionOfTheRows_TrainsOnThatMany()
    {
        using var directory = new TemporaryDirectory();
        await StudentTrainer.RunAsync(
            TinyTask.Options(directory) with { Fraction = 0.25, MaxSteps = 2 }, Reporter.None, CancellationToken.None);

        var report = JsonNode.Parse(File.ReadAllText(directory["out/training.json"]))!;

        Assert.Equal(12, (int)report["data"]!["train_rows"]!);
    }
}
