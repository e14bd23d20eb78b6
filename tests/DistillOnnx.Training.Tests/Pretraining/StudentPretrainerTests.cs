using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Pretraining;
using DistillOnnx.Training.Tests.Trainer;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Pretraining;

public sealed class StudentPretrainerTests
{
    [Fact]
    public async Task RunAsync_RepetitiveText_LowersTheLossOfLinesItNeverSaw()
    {
        using var directory = new TemporaryDirectory();
        var result = await StudentPretrainer.RunAsync(
            Options(directory) with { MaxSteps = 60, EvaluateEvery = 20 }, Reporter.None, TestContext.Current.CancellationToken);

        var evaluations = JsonNode.Parse(File.ReadAllText(directory["out/training.json"]))!["evaluations"]!.AsArray();
        double[] losses = [.. evaluations.Select(e => (double)e!["validation_label_loss"]!)];
        Assert.Equal(3, losses.Length);
        Assert.True(losses[2] < losses[0] - 0.3, string.Join(", ", losses));
        Assert.Equal(60, result.Steps);
        Assert.True(File.Exists(directory["out/spiece.model"]));
    }

    [Fact]
    public async Task RunAsync_InterruptedAndResumed_IsBitIdenticalToOneRun()
    {
        using var directory = new TemporaryDirectory();
        var options = Options(directory);
        await StudentPretrainer.RunAsync(options with { Out = directory["whole"] }, Reporter.None, CancellationToken.None);

        using var source = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => StudentPretrainer.RunAsync(options with { Resume = true }, new StopAt(5, source), source.Token));
        await StudentPretrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None);

        Assert.True(
            File.ReadAllBytes(directory["whole/model.safetensors"]).AsSpan()
                .SequenceEqual(File.ReadAllBytes(directory["out/model.safetensors"])));
    }

    [Fact]
    public async Task RunAsync_FinishedRunResumed_GivesTheSameResult()
    {
        using var directory = new TemporaryDirectory();
        var options = Options(directory);
        var first = await StudentPretrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);

        var again = await StudentPretrainer.RunAsync(options with { Resume = true }, Reporter.None, TestContext.Current.CancellationToken);

        Assert.NotNull(first.ValidationLoss);
        Assert.Equal((first.BestStep, first.ValidationLoss, first.Steps), (again.BestStep, again.ValidationLoss, again.Steps));
        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentPretrainer.RunAsync(options with { Resume = true, BatchSize = 4 }, Reporter.None, CancellationToken.None));
        Assert.Contains("\"batch_size\" was 8 and is now 4", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>The share of a run is no property of the student: its next run has that of the shape again.</summary>
    [Fact]
    public async Task RunAsync_WithoutDropout_LeavesTheConfigurationsToFineTuning()
    {
        using var directory = new TemporaryDirectory();
        JsonNode Json(string file) => JsonNode.Parse(File.ReadAllText(directory[file]))!;
        var warm = Options(directory) with { Out = directory["warm"] };
        await StudentPretrainer.RunAsync(warm, Reporter.None, CancellationToken.None);

        Assert.Equal(0, (double)Json("warm/training.json")["options"]!["dropout"]!);
        Assert.Equal(0.1, (double)Json("warm/config.json")["dropout_rate"]!);
        var options = TinyTask.Options(directory) with { Student = warm.Out, VocabularySize = null };
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        Assert.Equal(0.1, (double)Json("out/training.json")["options"]!["dropout"]!);
        await StudentTrainer.RunAsync(
            options with { Dropout = 0.3, Out = directory["other"] }, Reporter.None, CancellationToken.None);
        Assert.Equal(0.3, (double)Json("other/training.json")["fingerprint"]!["dropout"]!);
        Assert.Equal(0.1, (double)Json("other/config.json")["dropout_rate"]!);
    }

    /// <summary>As earlier versions saved it: the share only where it was given.</summary>
    [Fact]
    public async Task RunAsync_SavedWithoutTheShareOfDropout_IsResumed()
    {
        using var directory = new TemporaryDirectory();
        var options = TinyTask.Options(directory);
        await StudentTrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        var report = JsonNode.Parse(File.ReadAllText(directory["out/training.json"]))!;
        Assert.True(report["fingerprint"]!.AsObject().Remove("dropout"));
        File.WriteAllText(directory["out/training.json"], report.ToJsonString());

        var again = await StudentTrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None);

        Assert.Equal(12, again.Steps);
        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(options with { Resume = true, Dropout = 0.3 }, Reporter.None, CancellationToken.None));
        Assert.Contains("\"dropout\" was nothing and is now 0.3", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public async Task RunAsync_ResumedWithOtherTextInAFileOfOneName_IsRefused(string changed)
    {
        using var directory = new TemporaryDirectory();
        var options = Options(directory);
        foreach (var name in new[] { "a", "b" })
        {
            Directory.CreateDirectory(directory[name]);
            File.WriteAllLines(directory[$"{name}/text.txt"], File.ReadAllLines(directory["text.txt"]).Append(name));
        }

        options = options with { Text = [directory["a/text.txt"], directory["b/text.txt"]] };
        await StudentPretrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        await StudentPretrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None);
        File.WriteAllLines(
            directory[$"{changed}/text.txt"],
            File.ReadAllLines(directory[$"{changed}/text.txt"]).Select(l => l.Replace("pear", "fig", StringComparison.Ordinal)));

        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentPretrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None));

        Assert.Contains(changed == "a" ? "\"text.txt_sha256\" was" : "\"text.txt_2_sha256\" was", fault.Message);
    }

    [Theory]
    [InlineData("--text")]
    [InlineData("--student")]
    [InlineData("--tokenizer")]
    public async Task RunAsync_OutputThatIsRead_IsRefusedAndLeftAlone(string option)
    {
        using var directory = new TemporaryDirectory();
        var options = Options(directory) with { MaxSteps = 1 };
        await StudentPretrainer.RunAsync(options, Reporter.None, CancellationToken.None);
        File.Copy(directory["text.txt"], directory["out/task.json"]);
        options = options with { Overwrite = true };

        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentPretrainer.RunAsync(
                option switch
                {
                    "--text" => options with { Text = [directory["out/task.json"]] },
                    "--student" => options with { Student = directory["out"], VocabularySize = null },
                    _ => options with { Tokenizer = directory["out"], VocabularySize = null },
                },
                Reporter.None,
                CancellationToken.None));

        var read = option == "--text" ? directory["out/task.json"] : directory["out"];
        Assert.Equal($"{directory["out"]}: is read as well ({read}); choose another output", fault.Message);
        Assert.True(File.Exists(directory["out/model.safetensors"]));
    }

    [Fact]
    public async Task RunAsync_VocabularySizeWithACheckpoint_IsRefusedWithItsDefaultToo()
    {
        using var directory = new TemporaryDirectory();
        var options = Options(directory) with { MaxSteps = 1 };
        await StudentPretrainer.RunAsync(options, Reporter.None, CancellationToken.None);

        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentPretrainer.RunAsync(
                options with
                {
                    Student = directory["out"],
                    Out = directory["second"],
                    VocabularySize = PretrainOptions.DefaultVocabularySize,
                },
                Reporter.None,
                CancellationToken.None));

        Assert.Equal("--vocabulary-size: no tokenizer is trained: --tokenizer or the student brings one", fault.Message);
    }

    private static PretrainOptions Options(TemporaryDirectory directory)
    {
        string[] things = ["pear", "saw", "plum", "drill"], places = ["table", "floor", "shelf"];
        File.WriteAllLines(
            directory["text.txt"], Enumerable.Range(0, 120)
                .Select(i => $"there is a {things[i % 4]} on the {places[i % 3]} and nobody takes the {things[i % 4]} away"));
        return new PretrainOptions
        {
            Text = [directory["text.txt"]],
            Student = TinyTask.Shape(directory),
            Out = directory["out"],
            VocabularySize = 100,
            MaxSteps = 12,
            BatchSize = 8,
            EvaluateEvery = 4,
            HoldoutLines = 12,
            LearningRate = 3e-2,
            Device = "cpu",
        };
    }
}
