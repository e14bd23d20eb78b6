using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Engines;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Trainer;

/// <summary>Training where one label is rare.</summary>
public sealed class SkewedDataTests
{
    [Theory]
    [InlineData("balanced", "uniform", TrainingPrecision.Fp32)]
    [InlineData("balanced", "uniform", TrainingPrecision.Bf16)]
    [InlineData("none", "balanced", TrainingPrecision.Fp32)]
    public async Task RunAsync_Balanced_RaisesMacroF1OfARareLabelThatIsOtherwiseNeverPredicted(
        string weights, string sampling, TrainingPrecision precision)
    {
        using var directory = new TemporaryDirectory();
        var options = SkewedTask.Options(directory) with { Precision = precision };
        var (plainMessages, balancedMessages) = (new Messages(), new Messages());
        await StudentTrainer.RunAsync(options, plainMessages, TestContext.Current.CancellationToken);
        await StudentTrainer.RunAsync(
            options with { ClassWeights = weights, Sampling = sampling, SelectOn = SelectionMetric.MacroF1, Out = directory["balanced"] },
            balancedMessages, TestContext.Current.CancellationToken);

        var (plain, balanced) = (Report(directory["out"]), Report(directory["balanced"]));

        // Always the common label: F1 of 32 of 36 rows and of none. By the word: 4 of 12 rows right, and 24 of 24.
        Assert.Equal(2.0 * 32 / (32 + 36) / 2, (double)plain["validation_macro_f1"]!, 1e-9);
        Assert.Equal(((2.0 * 4 / (4 + 12)) + (2.0 * 24 / (32 + 24))) / 2, (double)balanced["validation_macro_f1"]!, 1e-9);
        Assert.Contains(plainMessages.Warnings, w => w.Contains("predicts \"rare\" for no validation row", StringComparison.Ordinal));
        Assert.DoesNotContain(balancedMessages.Warnings, w => w.Contains("for no validation row", StringComparison.Ordinal));
        Assert.Equal((weights, sampling, "macro-f1"), (
            (string?)balanced["options"]!["class_weights"], (string?)balanced["options"]!["sampling"],
                (string?)balanced["options"]!["select_on"]));
    }

    [Theory]
    [InlineData(SelectionMetric.Accuracy, "validation_accuracy", 1)]
    [InlineData(SelectionMetric.MacroF1, "validation_macro_f1", 1)]
    [InlineData(SelectionMetric.Loss, "validation_label_loss", -1)]
    public async Task RunAsync_SelectOn_KeepsTheEvaluationThatIsBestByIt(SelectionMetric metric, string key, int sign)
    {
        using var directory = new TemporaryDirectory();
        var options = SkewedTask.Options(directory) with { SelectOn = metric, MaxSteps = 60, EvaluateEvery = 4, LearningRate = 6e-2 };
        var result = await StudentTrainer.RunAsync(options, Reporter.None, TestContext.Current.CancellationToken);

        var evaluations = Report(result.Checkpoint)["evaluations"]!.AsArray();
        var best = evaluations.OrderByDescending(e => sign * (double)e![key]!).ThenBy(e => (double)e!["validation_label_loss"]!).First()!;

        Assert.True(evaluations.Select(e => (double)e![key]!).Distinct().Count() > 1);
        Assert.Equal((int)best["step"]!, result.BestStep);
        Assert.Equal((double)best["validation_macro_f1"]!, result.ValidationMacroF1);
    }

    [Fact]
    public async Task RunAsync_WeightedAndSampled_ResumesToTheSameBitsAndRefusesOtherWeights()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["w.json"], """{"common": 1, "rare": 4}""");
        var options = SkewedTask.Options(directory) with
        {
            ClassWeights = directory["w.json"],
            Sampling = "temperature=2",
            MaxSteps = 12,
            EvaluateEvery = 4,
            KeepResume = true,
        };
        await StudentTrainer.RunAsync(options with { Out = directory["whole"] }, Reporter.None, CancellationToken.None);
        foreach (var stop in new[] { 2, 5 })
        {
            using var source = new CancellationTokenSource();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => StudentTrainer.RunAsync(options with { Resume = true }, new StopAt(stop, source), source.Token));
        }

        await StudentTrainer.RunAsync(options with { Resume = true }, Reporter.None, CancellationToken.None);

        Assert.True(
            File.ReadAllBytes(directory["whole/model.safetensors"]).AsSpan()
                .SequenceEqual(File.ReadAllBytes(directory["out/model.safetensors"])));
        Assert.Equal(4, (double)Report(directory["out"])["data"]!["class_weights"]!["rare"]!);
        File.WriteAllText(directory["w.json"], """{"common": 1, "rare": 5}""");
        var fault = await Assert.ThrowsAsync<InputException>(
            () => StudentTrainer.RunAsync(options with { Resume = true, MaxSteps = 14 }, Reporter.None, CancellationToken.None));
        Assert.Contains("\"class_weights_sha256\"", fault.Message);
    }

    [Fact]
    public async Task RunAsync_ATaskWithoutClasses_RefusesEachOptionByName()
    {
        using var directory = new TemporaryDirectory();
        var options = SkewedTask.Options(directory);
        File.WriteAllText(directory["data/task.json"], """{"name":"open","kind":"text","metric":"text"}""");
        foreach (var (changed, name) in new[]
        {
            (options with { SelectOn = SelectionMetric.MacroF1 }, "--select-on macro-f1"),
            (options with { ClassWeights = "balanced" }, "--class-weights balanced"),
            (options with { Sampling = "temperature=3" }, "--sampling temperature=3"),
        })
        {
            var fault = await Assert.ThrowsAsync<InputException>(
                () => StudentTrainer.RunAsync(changed, Reporter.None, CancellationToken.None));
            Assert.StartsWith($"{name}: needs a task of kind labels", fault.Message);
            Assert.EndsWith("task \"open\" is of kind text", fault.Message);
        }

        Assert.False(Directory.Exists(directory["out"]));
    }

    [Theory]
    [InlineData("temperature=0.5")]
    [InlineData("temperature=")]
    [InlineData("temperature=NaN")]
    [InlineData("Balanced")]
    [InlineData("")]
    public void Validate_UnknownSampling_SaysWhatIsExpected(string sampling)
    {
        var fault = Assert.Single((new TrainOptions { Data = "d", Student = "s", Out = "o", Sampling = sampling }).Validate());

        Assert.Equal($"--sampling: expected uniform, balanced or temperature=T with T at least 1, found \"{sampling}\"", fault);
    }

    private static JsonNode Report(string checkpoint) => JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoint, "training.json")))!;
}
