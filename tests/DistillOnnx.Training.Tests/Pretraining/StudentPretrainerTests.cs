using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Pretraining;
using DistillOnnx.Training.Tests.Trainer;

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
