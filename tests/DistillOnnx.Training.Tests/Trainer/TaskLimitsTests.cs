using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Trainer;

public sealed class TaskLimitsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(16, null, 16)]
    [InlineData(16, 16, 16)]
    [InlineData(null, 32, 32)]
    [InlineData(null, null, 1024)]
    public async Task RunAsync_InputLimit_IsTheOneThatIsSaid(int? stated, int? given, int used)
    {
        var messages = new Messages();
        var result = await Train(Options(stated, null) with { MaxInputTokens = given }, messages);

        Assert.Equal((used, used), (TaskSpec.Load(result).MaxInputTokens, Recorded(result, "max_input_tokens")));
        Assert.DoesNotContain(messages.Warnings, w => w.Contains("max_input_tokens"));
    }

    [Fact]
    public async Task RunAsync_InputLimitOfTheDataset_CutsTheTrainingRows()
    {
        var messages = new Messages();
        await Train(Options(4, null), messages);

        Assert.Contains(messages.Warnings, w => w.StartsWith("train: ", StringComparison.Ordinal) && w.Contains("were cut to 4 input"));
    }

    [Fact]
    public async Task RunAsync_OptionsThatDifferFromTheDataset_AreNamedOnceAndUsed()
    {
        var messages = new Messages();
        var options = Options(16, 20) with { MaxInputTokens = 32, MaxLabelTokens = 24 };
        var result = await Train(options, messages);

        var task = TaskSpec.Load(result);
        Assert.Equal((32, 24), (task.MaxInputTokens, task.MaxLabelTokens));
        Assert.Equal((32, 24), (Recorded(result, "max_input_tokens"), Recorded(result, "max_label_tokens")));
        Assert.Equal(
            [$"{options.Data}: task.json says max_input_tokens 16; --max-input-tokens 32 is used instead",
                $"{options.Data}: task.json says max_label_tokens 20; --max-label-tokens 24 is used instead"],
            messages.Warnings.Where(w => w.Contains("task.json says")));
    }

    [Fact]
    public async Task RunAsync_LabelLimitOfTheDataset_HoldsAndSaysWhereLabelsAreLonger()
    {
        var messages = new Messages();
        var options = Options(null, 1);
        var result = await Train(options, messages);

        Assert.Equal((1, 1), (TaskSpec.Load(result).MaxLabelTokens, Recorded(result, "max_label_tokens")));
        Assert.Contains(
            messages.Warnings, w =>
                w.StartsWith($"{options.Data}: task.json says max_label_tokens 1, but the longest label", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_Resumed_ComparesWhatIsUsed()
    {
        var options = Options(16, null) with { KeepResume = true };
        var result = await Train(options, Reporter.None);
        await Train(options with { Resume = true, MaxSteps = 3 }, Reporter.None);
        await Train(options with { Resume = true, MaxSteps = 4, MaxInputTokens = 16 }, Reporter.None);
        Assert.Equal(4, Recorded(result, "max_steps"));

        var fault = await Assert.ThrowsAsync<InputException>(
            () => Train(options with { Resume = true, MaxInputTokens = 32 }, Reporter.None));

        Assert.Contains("\"max_input_tokens\" was 16 and is now 32", fault.Message);
    }

    private TrainOptions Options(int? input, int? label)
    {
        var options = TinyTask.Options(_directory) with { MaxSteps = 2, EvaluateEvery = 2 };
        var path = Path.Combine(options.Data, TaskSpec.FileName);
        (TaskSpec.Load(path) with { MaxInputTokens = input, MaxLabelTokens = label }).Save(path);
        return options;
    }

    private static async Task<string> Train(TrainOptions options, IReporter reporter) =>
        (await StudentTrainer.RunAsync(options, reporter, TestContext.Current.CancellationToken)).Checkpoint;

    private static int? Recorded(string checkpoint, string key) =>
        (int?)JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoint, "training.json")))!["options"]![key];
}
